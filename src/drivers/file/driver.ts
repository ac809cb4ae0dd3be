// SPDX-License-Identifier: Apache-2.0

import type {
  ConsensusDriver,
  DriverCallOptions,
  LeadershipEvent,
} from "../../consensus/driver.ts";
import { checkAdvance, FencedError, PermanentError } from "../../consensus/errors.ts";
import type { Epoch } from "../../core/epoch.ts";
import type { LeaseRecord } from "../../core/lease_table.ts";
import type { SequenceRequest } from "../../core/sequence.ts";
import { isPhysicalMs, PHYSICAL_MS_MAX } from "../../core/timestamp.ts";
import { HighWaterFile } from "./high_water_file.ts";
import { refuseBehindLeases, refuseSeedBehindLeases } from "./lease_bounds.ts";
import { LeaseFile } from "./lease_file.ts";
import { checkLimits } from "./options.ts";
import type { FileDriverInitOptions, FileDriverOptions } from "./options.ts";
import { lateStart } from "./record_fault.ts";
import { SequenceFile } from "./sequence_file.ts";
import { initStateDirectory, openStateDirectory } from "./state_directory.ts";
import type { RecordName, StateDirectory } from "./state_directory.ts";
import { untilEitherAborted, waitWithin } from "./wait.ts";

/** The only epoch of a directory: its lock lets one process lead, and there is nobody to outlive. */
const ONLY_EPOCH: Epoch = 0n;

/** What was found in a directory. */
interface FileDriverParts {
  readonly directory: StateDirectory;
  readonly highWater: HighWaterFile;
  readonly sequences: SequenceFile;
  readonly leases: LeaseFile;
  readonly deadlineMs: number;
  /** Fires when the driver was closed or a write of the high-water failed; its reason says which. */
  readonly ended: AbortController;
}

/**
 * A driver for one node that keeps the high-water, the sequences and the leases in files (behaviour.md 5.1;
 * docs/file-format.md).
 *
 * It leads as long as it is open, under epoch 0. After a write of the high-water that failed the disk may
 * hold either value, so the driver then refuses everything until the directory is opened again. After one
 * of sequences or leases it goes on leading, and reads that file again before it uses it.
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
  readonly #highWater: HighWaterFile;
  readonly #sequences: SequenceFile;
  readonly #leases: LeaseFile;
  readonly #deadlineMs: number;
  readonly #ended: AbortController;
  #closed: Promise<void> | undefined;

  private constructor(parts: FileDriverParts) {
    this.#directory = parts.directory;
    this.#highWater = parts.highWater;
    this.#sequences = parts.sequences;
    this.#leases = parts.leases;
    this.#deadlineMs = parts.deadlineMs;
    this.#ended = parts.ended;
  }

  /**
   * Locks a directory, then reads what is in it.
   *
   * @throws {FileStateError} if it is in use, holds anything but whole records, or leases beyond the high-water;
   *   nothing was changed
   * @throws {RangeError} if an option is out of range
   */
  static async open(options: FileDriverOptions): Promise<FileDriver> {
    const { deadlineMs = 10_000, maxSequenceKeys } = options;
    checkLimits({ deadlineMs, maxSequenceKeys });
    const ended = new AbortController();
    const limits = { deadlineMs, ended: ended.signal, maxSequenceKeys };
    return await openStateDirectory(options, async (directory) => {
      const highWater = await HighWaterFile.open(directory, { deadlineMs, ended });
      const sequences = await SequenceFile.open(directory, limits);
      const leases = await LeaseFile.open(directory, limits);
      refuseBehindLeases(await leases.load(), highWater.durableMs, directory);
      return new FileDriver({ directory, highWater, sequences, leases, deadlineMs, ended });
    });
  }

  /**
   * Gives a new directory a high-water to begin with, so that its first timestamp is above it. The directory
   * is locked meanwhile. Sequences and leases that are there stay as they are.
   *
   * @throws {FileStateError} `exists` if there is a state, of whatever kind; `behind-leases` if the leases that
   *   are there allow more than the seed; otherwise as `open`
   * @throws {RangeError} if the seed does not fit 46 bits
   */
  static async init(options: FileDriverInitOptions): Promise<void> {
    const { seedPhysicalMs } = options;
    if (!isPhysicalMs(seedPhysicalMs)) {
      throw new RangeError(
        `Cannot initialize as 'seedPhysicalMs' must be a whole number from 0 to ${PHYSICAL_MS_MAX}: current value is ${seedPhysicalMs}`,
      );
    }
    await initStateDirectory(seedPhysicalMs, {
      ...options,
      inspect: (directory) => refuseSeedBehindLeases(seedPhysicalMs, directory),
    });
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
    return this.#highWater.durableMs;
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
    checkAdvance(atLeastMs);
    checkEpoch(epoch);
    this.#checkUsable();
    return await this.#highWater.raise(atLeastMs, options.signal);
  }

  /**
   * The next ordinal of a sequence, as far as it is durable.
   *
   * @throws {TransientError} if the disk took longer than `deadlineMs`
   * @throws {PermanentError} if a write failed before and `dense` cannot be read again, or after `close`
   */
  async loadDenseSeq(key: string, options: DriverCallOptions = {}): Promise<bigint> {
    this.#checkUsable();
    return await this.#read(this.#sequences.next(key), "dense", options.signal);
  }

  /** Takes ordinals of one sequence, as {@linkcode FileDriver.advanceDenseBatch}. */
  async advanceDense(
    request: SequenceRequest,
    epoch: Epoch,
    options?: DriverCallOptions,
  ): Promise<bigint> {
    const [start = 0n] = await this.advanceDenseBatch([request], epoch, options);
    return start;
  }

  /**
   * Takes ordinals of several sequences, or of none. Calls that come together share one write.
   *
   * @throws {SequenceKeyLimitError} if a key is new and there are as many as there may be
   * @throws {SequenceOverflowError} if a counter would pass 2^64 - 1
   * @throws {RangeError} if a key has not 1 to 128 bytes or a count is below 1; nothing was taken
   * @throws {FencedError} if the epoch is not 0
   * @throws {TransientError} if the write took longer than `deadlineMs`; the ordinals may be taken
   * @throws {PermanentError} if the write failed; they may be taken
   * @throws {UnavailableError} if the write did not begin: the disk hangs, `dense` is in doubt and cannot be
   *   read, or the driver has ended; nothing was taken
   */
  async advanceDenseBatch(
    requests: readonly SequenceRequest[],
    epoch: Epoch,
    options: DriverCallOptions = {},
  ): Promise<readonly bigint[]> {
    checkEpoch(epoch);
    return await this.#sequences.take(requests, options.signal);
  }

  /**
   * The durable leases.
   *
   * @throws {TransientError} if the disk took longer than `deadlineMs`
   * @throws {PermanentError} if a write failed before and `leases` cannot be read again, or after `close`
   */
  async loadLeases(options: DriverCallOptions = {}): Promise<readonly LeaseRecord[]> {
    this.#checkUsable();
    return await this.#read(this.#leases.load(), "leases", options.signal);
  }

  /**
   * Replaces the durable leases. Of several sets that wait for a write only the last is written.
   *
   * @throws {RangeError} if a lease does not fit the record; nothing was changed
   * @throws {FencedError} if the epoch is not 0
   * @throws {TransientError} if the write took longer than `deadlineMs`; it may still become durable
   * @throws {PermanentError} if the write failed; either set may be durable
   * @throws {UnavailableError} if the write did not begin, as for {@linkcode FileDriver.advanceDenseBatch}
   */
  async persistLeases(
    leases: readonly LeaseRecord[],
    epoch: Epoch,
    options: DriverCallOptions = {},
  ): Promise<void> {
    checkEpoch(epoch);
    await this.#leases.replace(leases, options.signal);
  }

  /** Waits for writes in flight, then gives the directory free. Calling it again waits for the same. */
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
    await Promise.all([this.#highWater.idle(), this.#sequences.idle(), this.#leases.idle()]);
    this.#directory.release();
  }

  async #read<T>(
    reading: Promise<T>,
    name: RecordName,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const deadlineMs = this.#deadlineMs;
    const late = () => lateStart(this.#directory.pathOf(name), deadlineMs);
    return await waitWithin(reading, { deadlineMs, late, signal });
  }

  #checkUsable(): void {
    this.#ended.signal.throwIfAborted();
  }
}

function checkEpoch(epoch: Epoch): void {
  if (epoch !== ONLY_EPOCH) throw new FencedError(epoch, ONLY_EPOCH);
}

function closedError(directory: string): PermanentError {
  return new PermanentError(`Cannot use '${directory}': its driver is closed; open a new one`);
}
