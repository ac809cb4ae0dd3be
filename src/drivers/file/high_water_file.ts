// SPDX-License-Identifier: Apache-2.0

import { PermanentError, TransientError } from "../../consensus/errors.ts";
import type { StateDirectory } from "./state_directory.ts";
import { readRecord } from "./read_record.ts";
import { decodeStateRecord, encodeStateRecord } from "./state_record.ts";
import { waitWithin } from "./wait.ts";

/** What a {@linkcode HighWaterFile} works under. */
export interface HighWaterFileOptions {
  /** How long a raise may wait for the disk, in milliseconds. */
  readonly deadlineMs: number;
  /** Aborted with its fault when a write fails. Nothing is written once it is aborted. */
  readonly ended: AbortController;
}

/** Until when a raise waits. */
interface RaiseWait {
  /** On the monotonic clock, in milliseconds. */
  readonly untilMs: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * The high-water of a directory, in its file `state`. Writes go one at a time; those that wait meanwhile
 * become one write of the highest value. There is none after one that failed.
 */
export class HighWaterFile {
  readonly #directory: StateDirectory;
  readonly #deadlineMs: number;
  readonly #ended: AbortController;
  #durableMs: number;
  #wantedMs = 0;
  #writing: Promise<void> | undefined;

  private constructor(
    directory: StateDirectory,
    durableMs: number,
    options: HighWaterFileOptions,
  ) {
    this.#directory = directory;
    this.#durableMs = durableMs;
    this.#deadlineMs = options.deadlineMs;
    this.#ended = options.ended;
  }

  /**
   * Reads the high-water of a locked directory; without a file it is 0.
   *
   * @throws {FileStateError} if the file cannot be read, or is no whole record
   */
  static async open(
    directory: StateDirectory,
    options: HighWaterFileOptions,
  ): Promise<HighWaterFile> {
    const durableMs = await readRecord(directory, { name: "state", decode: decodeStateRecord });
    return new HighWaterFile(directory, durableMs ?? 0, options);
  }

  /** The durable high-water, in milliseconds. */
  get durableMs(): number {
    return this.#durableMs;
  }

  /**
   * Raises the high-water to at least a value that fits 46 bits. The deadline counts from here, also for a call
   * that has to wait for the write of another first.
   *
   * @param signal ends the wait; the write goes on
   * @returns what is durable
   * @throws {TransientError} if the disk took longer than the deadline
   * @throws {PermanentError} if the disk failed, or the driver has ended
   */
  async raise(atLeastMs: number, signal: AbortSignal | undefined): Promise<number> {
    const untilMs = performance.now() + this.#deadlineMs;
    while (atLeastMs > this.#durableMs) {
      signal?.throwIfAborted();
      this.#ended.signal.throwIfAborted();
      this.#wantedMs = Math.max(this.#wantedMs, atLeastMs);
      await this.#waitFor(this.#writing ?? this.#startWrite(), { untilMs, signal });
    }
    return this.#durableMs;
  }

  /** Waits for the write that is under way. It never rejects. */
  async idle(): Promise<void> {
    await this.#writing?.catch(() => {});
  }

  #startWrite(): Promise<void> {
    const write = this.#write(this.#wantedMs).finally(() => {
      this.#writing = undefined;
    });
    write.catch(() => {});
    this.#writing = write;
    return write;
  }

  async #write(highWaterMs: number): Promise<void> {
    try {
      await this.#directory.write("state", encodeStateRecord(highWaterMs));
    } catch (cause) {
      const fault = failedWrite(highWaterMs, cause);
      this.#ended.abort(fault);
      throw fault;
    }
    this.#durableMs = highWaterMs;
  }

  #waitFor(write: Promise<void>, wait: RaiseWait): Promise<void> {
    const directory = this.#directory.path;
    const { untilMs, signal } = wait;
    const late = () =>
      new TransientError(`Cannot confirm a write in '${directory}' within ${this.#deadlineMs} ms`);
    return waitWithin(write, {
      deadlineMs: Math.max(0, untilMs - performance.now()),
      late,
      signal,
    });
  }
}

function failedWrite(highWaterMs: number, cause: unknown): PermanentError {
  const found = cause instanceof Error ? cause.message : String(cause);
  return new PermanentError(
    `Cannot persist the high-water ${highWaterMs}: ${found}; the disk may hold the old or the new value, so nothing more is written until the directory is opened again`,
    { cause },
  );
}
