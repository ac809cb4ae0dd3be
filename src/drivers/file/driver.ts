// SPDX-License-Identifier: Apache-2.0

import type {
  ConsensusDriver,
  DriverCallOptions,
  LeadershipEvent,
} from "../../consensus/driver.ts";
import {
  checkAdvance,
  FencedError,
  PermanentError,
  TransientError,
} from "../../consensus/errors.ts";
import type { Epoch } from "../../core/epoch.ts";
import { LONGEST_TIMER_MS } from "../../core/timer_limit.ts";
import { isPhysicalMs, PHYSICAL_MS_MAX } from "../../core/timestamp.ts";
import { initStateDirectory, openStateDirectory } from "./state_directory.ts";
import type { StateDirectory, StateDirectoryOptions } from "./state_directory.ts";
import { untilEitherAborted, waitWithin } from "./wait.ts";

/** The only epoch of a directory: its lock lets one process lead, and there is nobody to outlive. */
const ONLY_EPOCH: Epoch = 0n;

/** Options of the constructor of {@linkcode FileDriver}. */
export interface FileDriverLimits {
  /**
   * How long a persist may wait for the disk, in milliseconds, before it is answered with a transient
   * error. The write itself goes on.
   *
   * @default {10_000}
   */
  readonly deadlineMs?: number;
}

/** Options of {@linkcode FileDriver.open}. */
export interface FileDriverOptions extends FileDriverLimits, StateDirectoryOptions {}

/** Options of {@linkcode FileDriver.init}. */
export interface FileDriverInitOptions extends StateDirectoryOptions {
  /** The high-water to begin with, milliseconds since the Unix epoch, 0 to 2^46 - 1. */
  readonly seedPhysicalMs: number;
}

/**
 * A driver for one node that keeps the high-water in a file (behaviour.md 5.1; docs/file-format.md).
 *
 * It leads as long as it is open, under epoch 0. After a write that failed the disk may hold either value,
 * so the driver then refuses everything until the directory is opened again.
 *
 * @example
 * ```ts
 * import { FileDriver } from "@tsoracle/tsoracle/drivers/file";
 * import assert from "node:assert/strict";
 *
 * const directory = await Deno.makeTempDir();
 * {
 *   await using driver = await FileDriver.open({ directory });
 *   assert.equal(await driver.persistHighWater(1_000, 0n), 1_000);
 * }
 * await using driver = await FileDriver.open({ directory });
 * assert.equal(await driver.loadHighWater(), 1_000);
 * ```
 */
export class FileDriver implements ConsensusDriver, AsyncDisposable {
  readonly #directory: StateDirectory;
  readonly #deadlineMs: number;
  /** Fires when the driver was closed or a write failed; its reason says which. */
  readonly #ended = new AbortController();
  #durableMs: number;
  #wantedMs = 0;
  #writing: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  /**
   * Takes over a locked directory, and releases it when it is closed.
   *
   * @throws {RangeError} if `deadlineMs` is out of range
   */
  constructor(directory: StateDirectory, limits: FileDriverLimits = {}) {
    this.#deadlineMs = checkDeadline(limits.deadlineMs ?? 10_000);
    this.#directory = directory;
    this.#durableMs = directory.highWaterMs;
  }

  /**
   * Locks a directory, then reads its state.
   *
   * @throws {FileStateError} if it is in use, or holds anything but a whole state; nothing was changed
   * @throws {RangeError} if `deadlineMs` is out of range
   */
  static async open(options: FileDriverOptions): Promise<FileDriver> {
    const { deadlineMs = 10_000 } = options;
    checkDeadline(deadlineMs);
    return new FileDriver(await openStateDirectory(options), { deadlineMs });
  }

  /**
   * Gives a new directory a high-water to begin with, so that its first timestamp is above it. The directory
   * is locked meanwhile.
   *
   * @throws {FileStateError} `exists` if there is a state, of whatever kind; otherwise as `open`
   * @throws {RangeError} if the seed does not fit 46 bits
   */
  static async init(options: FileDriverInitOptions): Promise<void> {
    const { seedPhysicalMs } = options;
    if (!isPhysicalMs(seedPhysicalMs)) {
      throw new RangeError(
        `Cannot initialize as 'seedPhysicalMs' must be a whole number from 0 to ${PHYSICAL_MS_MAX}: current value is ${seedPhysicalMs}`,
      );
    }
    await initStateDirectory(seedPhysicalMs, options);
  }

  /** The real path of the state directory. */
  get directory(): string {
    return this.#directory.path;
  }

  /**
   * One leader event of epoch 0, then nothing until the signal fires.
   *
   * @throws {PermanentError} once a write has failed or the driver is closed: it no longer leads
   */
  async *leadershipEvents(
    options: { readonly signal: AbortSignal },
  ): AsyncGenerator<LeadershipEvent> {
    const { signal } = options;
    if (signal.aborted) return;
    this.#checkUsable();
    yield { kind: "leader", epoch: ONLY_EPOCH };
    await untilEitherAborted(signal, this.#ended.signal);
    if (!signal.aborted) this.#checkUsable();
  }

  /**
   * The durable high-water.
   *
   * @throws {PermanentError} after a write that failed, or after {@linkcode close}
   */
  // deno-lint-ignore require-await -- a rejection, not a synchronous throw
  async loadHighWater(_options?: DriverCallOptions): Promise<number> {
    this.#checkUsable();
    return this.#durableMs;
  }

  /**
   * Raises the durable high-water. Writes go one at a time; those that wait meanwhile become one write.
   *
   * @throws {AdvanceOutOfRangeError} if `atLeastMs` does not fit 46 bits
   * @throws {FencedError} if the epoch is not 0
   * @throws {TransientError} if the disk took longer than `deadlineMs`; the write may still become durable
   * @throws {PermanentError} if the disk failed, now or before, or after {@linkcode close}
   */
  async persistHighWater(
    atLeastMs: number,
    epoch: Epoch,
    options: DriverCallOptions = {},
  ): Promise<number> {
    const { signal } = options;
    checkAdvance(atLeastMs);
    if (epoch !== ONLY_EPOCH) throw new FencedError(epoch, ONLY_EPOCH);
    this.#checkUsable();
    while (atLeastMs > this.#durableMs) {
      signal?.throwIfAborted();
      this.#checkUsable();
      this.#wantedMs = Math.max(this.#wantedMs, atLeastMs);
      await this.#waitFor(this.#writing ?? this.#startWrite(), signal);
    }
    return this.#durableMs;
  }

  /** Waits for a write in flight, then gives the directory free. Calling it again waits for the same. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** Closes the driver. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    this.#ended.abort(closedError(this.directory));
    await this.#writing?.catch(() => {});
    this.#directory.release();
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
      await this.#directory.write(highWaterMs);
    } catch (cause) {
      const fault = failedWrite(highWaterMs, cause);
      this.#ended.abort(fault);
      throw fault;
    }
    this.#durableMs = highWaterMs;
  }

  #waitFor(write: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
    const { directory } = this;
    const deadlineMs = this.#deadlineMs;
    const late = () =>
      new TransientError(`Cannot confirm a write in '${directory}' within ${deadlineMs} ms`);
    return waitWithin(write, { deadlineMs, late, signal });
  }

  #checkUsable(): void {
    this.#ended.signal.throwIfAborted();
  }
}

function checkDeadline(deadlineMs: number): number {
  if (deadlineMs > 0 && deadlineMs <= LONGEST_TIMER_MS) return deadlineMs;
  throw new RangeError(
    `Cannot open as 'deadlineMs' must be above 0 and at most ${LONGEST_TIMER_MS}: current value is ${deadlineMs}`,
  );
}

function closedError(directory: string): PermanentError {
  return new PermanentError(`Cannot use '${directory}': its driver is closed; open a new one`);
}

function failedWrite(highWaterMs: number, cause: unknown): PermanentError {
  const found = cause instanceof Error ? cause.message : String(cause);
  return new PermanentError(
    `Cannot persist the high-water ${highWaterMs}: ${found}; the disk may hold the old or the new value, so nothing more is written until the directory is opened again`,
    { cause },
  );
}
