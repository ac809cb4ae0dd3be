// SPDX-License-Identifier: Apache-2.0

import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Failpoint } from "../../core/failpoint.ts";
import {
  fileExists,
  makeDirectory,
  refuseIrregular,
  syncDirectory,
  syncParents,
} from "./directory.ts";
import { FileStateError } from "./errors.ts";
import { attempt } from "./io_fault.ts";
import { type DirectoryLock, lockDirectory } from "./lock.ts";
import { decodeStateRecord, encodeStateRecord, STATE_RECORD_LENGTH } from "./state_record.ts";
import { writeDurably } from "./write_durably.ts";

const STATE_NAME = "state";

/** A locked directory and the one number in it. */
export interface StateDirectory {
  /** The real path of the directory. */
  readonly path: string;
  /** The high-water found when the directory was opened, 0 to 2^46 - 1 milliseconds. */
  readonly highWaterMs: number;
  /**
   * Makes a high-water the durable one. One write at a time; none after one that failed, because either
   * value may then be on the disk.
   *
   * @param highWaterMs milliseconds since the Unix epoch, 0 to 2^46 - 1
   * @throws {FileStateError} `io`, or `locked` if the lock file was replaced
   */
  write(highWaterMs: number): Promise<void>;
  /** Ends the lock. No write may be under way. Calling it again does nothing. */
  release(): void;
}

/** Options of {@linkcode openStateDirectory} and {@linkcode initStateDirectory}. */
export interface StateDirectoryOptions {
  /** The directory. It is made if it is missing. */
  readonly directory: string;
  /** Called between the steps of each write; for tests. */
  readonly failpoint?: Failpoint | undefined;
}

/**
 * Locks a directory, then reads its state and makes sure that what was read is durable. No record is 0, the
 * state of a new directory; then the way to the directory is made durable, so that no crash can lose it once
 * a high-water was acknowledged.
 *
 * @throws {FileStateError} if it is in use, or holds anything but a whole state; nothing was changed
 */
export async function openStateDirectory(options: StateDirectoryOptions): Promise<StateDirectory> {
  const { directory, failpoint } = options;
  return await withLock(directory, async (path, lock) => {
    const highWaterMs = await readState(path);
    return new LockedDirectory({ path, highWaterMs, lock, failpoint });
  });
}

/**
 * Gives a directory without state a high-water to begin with.
 *
 * @param highWaterMs milliseconds since the Unix epoch, 0 to 2^46 - 1
 * @throws {FileStateError} `exists` if there is a state of whatever kind; otherwise as `openStateDirectory`
 */
export async function initStateDirectory(
  highWaterMs: number,
  options: StateDirectoryOptions,
): Promise<void> {
  const { directory, failpoint } = options;
  await withLock(directory, async (path, lock) => {
    await refuseExisting(path);
    await syncParents(path);
    const locked = new LockedDirectory({ path, highWaterMs: 0, lock, failpoint });
    await locked.write(highWaterMs);
    locked.release();
  });
}

interface LockedDirectoryParts {
  readonly path: string;
  readonly highWaterMs: number;
  readonly lock: DirectoryLock;
  readonly failpoint: Failpoint | undefined;
}

class LockedDirectory implements StateDirectory {
  readonly path: string;
  readonly highWaterMs: number;
  readonly #lock: DirectoryLock;
  readonly #failpoint: Failpoint | undefined;

  constructor(parts: LockedDirectoryParts) {
    this.path = parts.path;
    this.highWaterMs = parts.highWaterMs;
    this.#lock = parts.lock;
    this.#failpoint = parts.failpoint;
  }

  /** The lock is checked before, not to overwrite another's state, and after, not to acknowledge over it. */
  async write(highWaterMs: number): Promise<void> {
    const bytes = encodeStateRecord(highWaterMs);
    await this.#lock.assertHeld();
    await writeDurably({
      directory: this.path,
      name: STATE_NAME,
      bytes,
      failpoint: this.#failpoint,
    });
    await this.#lock.assertHeld();
  }

  release(): void {
    this.#lock.release();
  }
}

/** The lock is taken before anything is read, and given back if the rest fails. */
async function withLock<T>(
  directory: string,
  use: (path: string, lock: DirectoryLock) => Promise<T>,
): Promise<T> {
  const path = await makeDirectory(directory);
  const lock = await lockDirectory(path);
  try {
    return await use(path, lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function readState(directory: string): Promise<number> {
  const path = join(directory, STATE_NAME);
  await refuseIrregular(`${path}.tmp`);
  if (!await fileExists(path)) {
    await syncParents(directory);
    return 0;
  }
  const highWaterMs = decodeStateRecord(await readRecord(path), path);
  await attempt("flush", directory, () => syncDirectory(directory, path));
  return highWaterMs;
}

async function refuseExisting(directory: string): Promise<void> {
  const path = join(directory, STATE_NAME);
  if (!await fileExists(path)) return;
  throw new FileStateError(
    "exists",
    `Cannot initialize '${directory}': it has a state already; name a new directory, or move the file '${path}' away if its timestamps may be forgotten`,
    { path },
  );
}

/**
 * Reads one byte more than a record has, to see whether something follows it, and flushes the file: what is
 * read may be in memory only, if the process before was killed or failed just after its rename.
 */
async function readRecord(path: string): Promise<Uint8Array> {
  return await attempt("read", path, async () => {
    const handle = await open(path, constants.O_RDWR | (constants.O_NOFOLLOW ?? 0));
    try {
      const bytes = new Uint8Array(STATE_RECORD_LENGTH + 1);
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
      await handle.sync();
      return bytes.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  });
}
