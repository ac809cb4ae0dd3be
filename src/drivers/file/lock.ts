// SPDX-License-Identifier: Apache-2.0

import { spawnSync } from "node:child_process";
import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { refuseIrregular } from "./directory.ts";
import { FileStateError } from "./errors.ts";
import { attempt, faultName, ioFault } from "./io_fault.ts";

/** The file whose lock stands for the whole directory: `state` itself is replaced by each write. */
const LOCK_NAME = "LOCK";

/** An open file with an exclusive lock; the lock ends with the file, or with the process. */
interface LockedFile {
  /** Which file it is, or `null` where the system does not tell. */
  readonly inode: number | null;
  /** Ends the lock. */
  readonly close: () => void;
}

/** An exclusive lock on a directory, held until it is released or the process ends, however it ends. */
export interface DirectoryLock {
  /**
   * Checks that LOCK is still the file that was locked. Somebody may have taken it for a stale leftover
   * and removed it, after which another process locks a new file of that name.
   *
   * @throws {FileStateError} `locked` if it is another file or gone, `io` if it cannot be looked at
   */
  assertHeld(): Promise<void>;
  /** Ends the lock. Calling it again does nothing. */
  release(): void;
}

/**
 * Takes the lock of a directory or refuses at once; it never waits.
 *
 * It is flock(2) on the file LOCK in every runtime, so Deno and Node exclude each other, and two drivers in
 * one process do too. The file is never removed and its content means nothing.
 *
 * @throws {FileStateError} `locked`, `lock-unsupported`, `corrupt` or `io`
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const path = join(directory, LOCK_NAME);
  await refuseIrregular(path);
  const file = "Deno" in globalThis ? await lockWithDeno(path) : lockWithFlock(path);
  if (file === undefined) throw lockedByOther(directory, path);
  const lock = new HeldLock(path, file);
  try {
    await lock.assertHeld();
  } catch (error) {
    lock.release();
    throw error;
  }
  return lock;
}

class HeldLock implements DirectoryLock {
  readonly #path: string;
  readonly #file: LockedFile;
  #released = false;

  constructor(path: string, file: LockedFile) {
    this.#path = path;
    this.#file = file;
  }

  async assertHeld(): Promise<void> {
    if (this.#file.inode === null || await inodeOf(this.#path) === this.#file.inode) return;
    throw new FileStateError(
      "locked",
      `Cannot go on with '${this.#path}': the file was replaced while it was locked, so another process may own the directory; let only one run and never remove the file`,
      { path: this.#path },
    );
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#file.close();
  }
}

async function inodeOf(path: string): Promise<number | undefined> {
  try {
    return (await lstat(path)).ino;
  } catch (error) {
    if (faultName(error) === "ENOENT") return undefined;
    throw ioFault("look at", path, error);
  }
}

/**
 * Deno's file lock is flock(2) where that exists. It is ended before its file is closed: a process that is being started
 * at that moment has a copy of the descriptor, and with it the lock, until its program begins.
 */
async function lockWithDeno(path: string): Promise<LockedFile | undefined> {
  const options = { read: true, write: true, create: true };
  const file = await attempt("open", path, () => Deno.open(path, options));
  try {
    if (await file.tryLock(true)) {
      return { inode: (await file.stat()).ino, close: () => unlockAndClose(file) };
    }
  } catch (error) {
    file.close();
    throw ioFault("lock", path, error);
  }
  file.close();
  return undefined;
}

function unlockAndClose(file: Deno.FsFile): void {
  try {
    file.unlockSync();
  } finally {
    file.close();
  }
}

/**
 * Node has no call for flock(2), so flock(1) takes it on a descriptor that it inherits. The lock belongs to
 * the open file, which both processes share, and stays when flock(1) has ended.
 */
function lockWithFlock(path: string): LockedFile | undefined {
  const descriptor = openForLock(path);
  const flock = spawnSync("flock", ["-xn", "3"], {
    stdio: ["ignore", "ignore", "pipe", descriptor],
  });
  if (flock.status === 0) {
    return { inode: fstatSync(descriptor).ino, close: () => closeSync(descriptor) };
  }
  closeSync(descriptor);
  if (flock.status === 1) return undefined;
  const found = flock.error?.message ?? `flock(1) failed: ${flock.stderr.toString().trim()}`;
  throw new FileStateError(
    "lock-unsupported",
    `Cannot lock '${path}': ${found}; on Node the command flock does this, so install util-linux`,
    { path, cause: flock.error },
  );
}

function openForLock(path: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o644);
  } catch (error) {
    throw ioFault("open", path, error);
  }
}

function lockedByOther(directory: string, path: string): FileStateError {
  return new FileStateError(
    "locked",
    `Cannot open '${directory}': another process holds its lock; stop that process or name another directory (the lock ends with its process, so '${path}' needs no removing)`,
    { path },
  );
}
