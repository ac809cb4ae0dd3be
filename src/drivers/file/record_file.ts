// SPDX-License-Identifier: Apache-2.0

import { compareBytes } from "../records/bytes.ts";
import { FileStateError } from "./errors.ts";
import { readRecord } from "./read_record.ts";
import type { RecordSpec } from "./read_record.ts";
import type { RecordName, StateDirectory } from "./state_directory.ts";

/** What a record says, and the record. */
export interface FileContent {
  /** The whole record, to be read only. */
  readonly bytes: Uint8Array;
}

/** How a {@linkcode RecordFile} understands its file. */
export interface RecordFormat<T extends FileContent> extends RecordSpec<T> {
  /** What there is if there is no file. */
  readonly empty: T;
}

/**
 * A file of which no more is believed than the disk has proved. What it holds changes only after a durable
 * write. After a write that failed either content may be there: then nothing is told or written until the
 * file was read and flushed again, and held one of the two.
 */
export class RecordFile<T extends FileContent> {
  readonly #directory: StateDirectory;
  readonly #name: RecordName;
  #durable: T;
  /** Whether there is a file: without one `#durable` is what an absent file stands for. */
  #exists: boolean;
  /** What a write that failed was to put there. */
  #inDoubt: T | undefined;
  #reading: Promise<void> | undefined;

  private constructor(directory: StateDirectory, format: RecordFormat<T>, found: T | undefined) {
    this.#directory = directory;
    this.#name = format.name;
    this.#durable = found ?? format.empty;
    this.#exists = found !== undefined;
  }

  /**
   * Reads the file of a locked directory.
   *
   * @throws {FileStateError} if it cannot be read, or is no whole record
   */
  static async open<T extends FileContent>(
    directory: StateDirectory,
    format: RecordFormat<T>,
  ): Promise<RecordFile<T>> {
    return new RecordFile(directory, format, await readRecord(directory, format));
  }

  /** What is durable; after a write that failed, what was so before. */
  get durable(): T {
    return this.#durable;
  }

  /**
   * What is durable for certain. After a write that failed the file is read again.
   *
   * @throws {FileStateError} if that fails, or if the file holds neither the old content nor the new
   */
  async certain(): Promise<T> {
    if (this.#inDoubt !== undefined) {
      this.#reading ??= this.#readAgain().finally(() => {
        this.#reading = undefined;
      });
      await this.#reading;
    }
    return this.#durable;
  }

  /**
   * Makes a content the durable one. One write at a time, and none before {@linkcode RecordFile.certain}.
   *
   * @throws {FileStateError} `io` or `locked`; either content may be on the disk
   */
  async write(next: T): Promise<void> {
    try {
      await this.#directory.write(this.#name, next.bytes);
    } catch (error) {
      this.#inDoubt = next;
      throw error;
    }
    this.#settle(next);
  }

  async #readAgain(): Promise<void> {
    const inDoubt = this.#inDoubt;
    const bytes = await this.#directory.read(this.#name);
    if (inDoubt && bytes && compareBytes(bytes, inDoubt.bytes) === 0) return this.#settle(inDoubt);
    const unchanged = bytes === undefined
      ? !this.#exists
      : this.#exists && compareBytes(bytes, this.#durable.bytes) === 0;
    if (!unchanged) throw this.#neither();
    this.#inDoubt = undefined;
  }

  #settle(content: T): void {
    this.#durable = content;
    this.#exists = true;
    this.#inDoubt = undefined;
  }

  #neither(): FileStateError {
    const path = this.#directory.pathOf(this.#name);
    return new FileStateError(
      "corrupt",
      `Cannot go on with '${path}': it holds neither what was there before a write failed nor what that write was to put there; find out what changed it, then restart the server, which goes on from what is there`,
      { path },
    );
  }
}
