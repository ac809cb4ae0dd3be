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
import { encodeStateRecord } from "./state_record.ts";
import { writeDurably } from "./write_durably.ts";

/** The files of a directory: the high-water, the sequences, the leases (docs/file-format.md). */
export type RecordName = "state" | "dense" | "leases";

/** A locked directory and the files in it. */
export interface StateDirectory {
  /** The real path of the directory. */
  readonly path: string;
  /** The path of a file. */
  pathOf(name: RecordName): string;
  /**
   * Reads a file and makes sure that what was read is durable: it may be in memory only, if a process was
   * killed or a write failed just after its rename.
   *
   * @returns its content, or `undefined` if there is none
   * @throws {FileStateError} `io`, `corrupt` if it is no regular file, or `locked`
   */
  read(name: RecordName): Promise<Uint8Array | undefined>;
  /**
   * Makes some bytes the durable content of a file. One write of a file at a time; after one that failed
   * either content may be on the disk.
   *
   * @throws {FileStateError} `io`, or `locked` if the lock file was replaced
   */
  write(name: RecordName, bytes: Uint8Array): Promise<void>;
  /** Ends the lock. No write may be under way. Calling it again does nothing. */
  release(): void;
}

/** Options of {@linkcode openStateDirectory}. */
export interface StateDirectoryOptions {
  /** The directory. It is made if it is missing. */
  readonly directory: string;
  /** Called between the steps of each write; for tests. */
  readonly failpoint?: Failpoint | undefined;
}

/** Options of {@linkcode initStateDirectory}. */
export interface InitDirectoryOptions extends StateDirectoryOptions {
  /** Looks at what else there is, and throws if it does not go with the high-water. */
  readonly inspect: (directory: StateDirectory) => Promise<void>;
}

/**
 * Locks a directory, then lets the caller read it; the lock is given back if that fails. The way to a
 * directory without state, a new one, is made durable, so that no crash can lose it once a high-water was
 * acknowledged.
 *
 * @throws {FileStateError} if it is in use, or as `use` does; nothing was changed
 */
export async function openStateDirectory<T>(
  options: StateDirectoryOptions,
  use: (directory: StateDirectory) => Promise<T>,
): Promise<T> {
  return await withLock(options, async (directory) => {
    const used = await use(directory);
    if (!await fileExists(directory.pathOf("state"))) await syncParents(directory.path);
    return used;
  });
}

/**
 * Gives a directory without state a high-water to begin with. Sequences and leases in it stay as they are:
 * whoever replaces a lost state must not lose them too.
 *
 * @param highWaterMs milliseconds since the Unix epoch, 0 to 2^46 - 1
 * @throws {FileStateError} `exists` if there is a state of whatever kind; otherwise as `openStateDirectory`,
 *   and what `inspect` throws; nothing was changed
 */
export async function initStateDirectory(
  highWaterMs: number,
  options: InitDirectoryOptions,
): Promise<void> {
  await withLock(options, async (directory) => {
    await refuseExisting(directory);
    await options.inspect(directory);
    await syncParents(directory.path);
    await directory.write("state", encodeStateRecord(highWaterMs));
    directory.release();
  });
}

class LockedDirectory implements StateDirectory {
  readonly path: string;
  readonly #lock: DirectoryLock;
  readonly #failpoint: Failpoint | undefined;

  constructor(path: string, lock: DirectoryLock, options: StateDirectoryOptions) {
    this.path = path;
    this.#lock = lock;
    this.#failpoint = options.failpoint;
  }

  pathOf(name: RecordName): string {
    return join(this.path, name);
  }

  async read(name: RecordName): Promise<Uint8Array | undefined> {
    const path = this.pathOf(name);
    await this.#lock.assertHeld();
    await refuseIrregular(`${path}.tmp`);
    if (!await fileExists(path)) return undefined;
    const bytes = await attempt("read", path, () => readFlushed(path));
    await attempt("flush", this.path, () => syncDirectory(this.path, path));
    await this.#lock.assertHeld();
    return bytes;
  }

  /** The lock is checked before, not to overwrite another's state, and after, not to acknowledge over it. */
  async write(name: RecordName, bytes: Uint8Array): Promise<void> {
    await this.#lock.assertHeld();
    await writeDurably({ directory: this.path, name, bytes, failpoint: this.#failpoint });
    await this.#lock.assertHeld();
  }

  release(): void {
    this.#lock.release();
  }
}

/** The lock is taken before anything is read, and given back if the rest fails. */
async function withLock<T>(
  options: StateDirectoryOptions,
  use: (directory: StateDirectory) => Promise<T>,
): Promise<T> {
  const path = await makeDirectory(options.directory);
  const lock = await lockDirectory(path);
  try {
    return await use(new LockedDirectory(path, lock, options));
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function refuseExisting(directory: StateDirectory): Promise<void> {
  const path = directory.pathOf("state");
  if (!await fileExists(path)) return;
  throw new FileStateError(
    "exists",
    `Cannot initialize '${directory.path}': it has a state already; name a new directory, or move the file '${path}' away if its timestamps may be forgotten`,
    { path },
  );
}

/** A plain array: of the buffer that is read a slice would not be a copy. */
async function readFlushed(path: string): Promise<Uint8Array> {
  const handle = await open(path, constants.O_RDWR | (constants.O_NOFOLLOW ?? 0));
  try {
    const bytes = await handle.readFile();
    await handle.sync();
    return new Uint8Array(bytes);
  } finally {
    await handle.close();
  }
}
