// SPDX-License-Identifier: Apache-2.0

import { SystemClock } from "../../clock/system_clock.ts";
import type {
  ConsensusDriver,
  DriverCallOptions,
  LeadershipEvent,
} from "../../consensus/driver.ts";
import { NO_DRIVER_METRICS } from "../../consensus/driver_metrics.ts";
import { abortable } from "../../core/abortable.ts";
import type { Clock } from "../../core/clock.ts";
import type { Epoch } from "../../core/epoch.ts";
import type { LeaseRecord } from "../../core/lease_table.ts";
import { DEFAULT_MAX_SEQUENCE_KEYS } from "../../core/sequence.ts";
import type { SequenceRequest } from "../../core/sequence.ts";
import { closedError, Election } from "./election.ts";
import { HighWaterKeeper } from "./high_water_keeper.ts";
import { LeaseKeeper } from "./lease_keeper.ts";
import { checkCallTimeout, checkMaxSequenceKeys, DEFAULT_CALL_TIMEOUT_MS } from "./options.ts";
import type { ClusterDriverOptions } from "./options.ts";
import { isPassing } from "./passing_fault.ts";
import { Preparation } from "./preparation.ts";
import { SequenceKeeper } from "./sequence_keeper.ts";
import type { ClusterStore, StoreCallOptions } from "./store.ts";
import { DEFAULT_LEASE_MS, leaseTiming, retryPauseMs } from "./timing.ts";
import type { LeaseTiming } from "./timing.ts";

/**
 * A driver for several nodes over an engine that keeps their state: election by heartbeats, certainty, sequences and
 * leases, the same for every engine. What an engine has to do is in {@linkcode ClusterStore}.
 *
 * Nothing is sent before the first use. The options are checked at once.
 */
export class ClusterDriver implements ConsensusDriver {
  readonly #store: ClusterStore;
  readonly #clock: Clock;
  readonly #timing: LeaseTiming;
  readonly #callTimeoutMs: number;
  readonly #preparation: Preparation;
  readonly #election: Election;
  readonly #highWater: HighWaterKeeper;
  readonly #sequences: SequenceKeeper;
  readonly #leases: LeaseKeeper;
  readonly #ended = new AbortController();
  #closed: Promise<void> | undefined;

  /**
   * Makes a driver that has not asked its engine for anything yet.
   *
   * @throws {RangeError} if an option is out of range; the message names it
   */
  constructor(options: ClusterDriverOptions) {
    const { store, endpoint, leaseMs = DEFAULT_LEASE_MS } = options;
    const { callTimeoutMs = DEFAULT_CALL_TIMEOUT_MS, clock = new SystemClock() } = options;
    const { maxSequenceKeys = DEFAULT_MAX_SEQUENCE_KEYS, metrics = NO_DRIVER_METRICS } = options;
    checkCallTimeout(callTimeoutMs);
    checkMaxSequenceKeys(maxSequenceKeys);
    const timing = leaseTiming(leaseMs);
    const ended = this.#ended.signal;
    const shared = { store, clock, timing, callTimeoutMs, metrics, ended };
    const preparation = new Preparation(shared);
    const prepare = () => preparation.doneInTime(undefined);
    this.#store = store;
    this.#clock = clock;
    this.#timing = timing;
    this.#callTimeoutMs = callTimeoutMs;
    this.#preparation = preparation;
    this.#election = new Election({
      ...shared,
      endpoint,
      prepare: (signal) => abortable(preparation.done(), signal),
    });
    this.#highWater = new HighWaterKeeper(shared);
    this.#sequences = new SequenceKeeper({ ...shared, maxSequenceKeys, prepare });
    this.#leases = new LeaseKeeper({ ...shared, prepare });
  }

  /**
   * Waits until the engine is known to be usable: it is prepared and has told who leads. Needed by nobody; a
   * program that is to end at a wrong address or password awaits it first.
   *
   * @param options.signal ends the wait, with what stood in the way or, if nothing is known, its reason
   * @throws {PermanentError} if the engine cannot be relied on, in its own words
   * @throws {TransientError} {@linkcode UnavailableError} if the signal fired, and the latest attempt had failed
   */
  async ready(options: { readonly signal: AbortSignal }): Promise<void> {
    const { signal } = options;
    let fault: unknown;
    try {
      await abortable(this.#preparation.done(), signal);
      for (let failures = 1;; failures++) {
        try {
          return void await this.#store.readStanding({ timeoutMs: this.#callTimeoutMs, signal });
        } catch (error) {
          if (!isPassing(error)) throw error;
          fault = error;
        }
        await this.#clock.delay(retryPauseMs(this.#timing, failures), { signal });
      }
    } catch (error) {
      throw signal.aborted ? fault ?? this.#preparation.lastFault ?? error : error;
    }
  }

  /**
   * Takes part in the election while the stream is read, and yields what becomes of it.
   *
   * @param options.signal ends the stream with its reason. Certainty ends at once, and the term, if this node has one, is given
   *   up in the background; {@linkcode ClusterDriver.close} waits for that
   * @throws {PermanentError} if another consumer reads, after {@linkcode ClusterDriver.close}, or if the engine cannot
   *   be relied on
   */
  leadershipEvents(options: { readonly signal: AbortSignal }): AsyncGenerator<LeadershipEvent> {
    return this.#election.events(options.signal);
  }

  /**
   * The durable high-water.
   *
   * @throws {TransientError} {@linkcode UnavailableError} if the engine did not answer in time
   * @throws {PermanentError} if it cannot be relied on, or after `close`
   */
  async loadHighWater(options: DriverCallOptions = {}): Promise<number> {
    return await this.#highWater.load(await this.#begin(options));
  }

  /**
   * Raises the durable high-water.
   *
   * @throws {AdvanceOutOfRangeError} if `atLeastMs` is no whole number from 0 to 2^46 - 1
   * @throws {FencedError} {@linkcode NotLeaderError} if the epoch is not the latest
   * @throws {TransientError} if the engine did not answer in time; the write may be made
   * @throws {UnavailableError} if it did not begin
   * @throws {PermanentError} if the engine cannot be relied on, or after `close`
   */
  async persistHighWater(
    atLeastMs: number,
    epoch: Epoch,
    options: DriverCallOptions = {},
  ): Promise<number> {
    return await this.#highWater.persist(atLeastMs, epoch, await this.#begin(options));
  }

  /** The next ordinal of a sequence, as far as it is durable; it fails as {@linkcode ClusterDriver.loadHighWater}. */
  async loadDenseSeq(key: string, options: DriverCallOptions = {}): Promise<bigint> {
    return await this.#store.loadSequence(key, await this.#begin(options));
  }

  /** Takes ordinals of one sequence, as {@linkcode ClusterDriver.advanceDenseBatch}. */
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
   * @throws {FencedError} {@linkcode NotLeaderError} if the epoch is not the latest; nothing was taken
   * @throws {UnavailableError} if nothing was taken, and nothing will be: the engine was not reached, or the driver is closed
   * @throws {TransientError} {@linkcode PermanentError} if the ordinals may be taken
   */
  async advanceDenseBatch(
    requests: readonly SequenceRequest[],
    epoch: Epoch,
    options: DriverCallOptions = {},
  ): Promise<readonly bigint[]> {
    return await this.#sequences.take(requests, epoch, options.signal);
  }

  /** The durable leases; it fails as {@linkcode ClusterDriver.loadHighWater}. */
  async loadLeases(options: DriverCallOptions = {}): Promise<readonly LeaseRecord[]> {
    return await this.#leases.load(await this.#begin(options));
  }

  /**
   * Replaces the durable leases. Of several sets that wait for a write only the last is written.
   *
   * @throws {FencedError} {@linkcode NotLeaderError} if the epoch is not the latest; nothing was changed
   * @throws {UnavailableError} if nothing was changed, and nothing will be: the engine was not reached, or the driver is closed
   * @throws {TransientError} {@linkcode PermanentError} if they may be replaced, or will be
   */
  async persistLeases(
    leases: readonly LeaseRecord[],
    epoch: Epoch,
    options: DriverCallOptions = {},
  ): Promise<void> {
    await this.#leases.replace(leases, epoch, options.signal);
  }

  /** Gives up the leadership for good, and waits until another node leads. */
  async resign(options: { readonly signal: AbortSignal }): Promise<boolean> {
    return await this.#election.resign(options.signal);
  }

  /**
   * Ends the event stream, gives up the term of this node, waits for writes under way, and closes the engine. Calling
   * it again waits for the same.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** Closes the driver. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    const resigned = this.#election.close();
    this.#ended.abort(closedError());
    await Promise.all([resigned, this.#sequences.idle(), this.#leases.idle()]);
    await this.#store.close();
  }

  async #begin({ signal }: DriverCallOptions): Promise<StoreCallOptions> {
    this.#ended.signal.throwIfAborted();
    signal?.throwIfAborted();
    await this.#preparation.doneInTime(signal);
    return { timeoutMs: this.#callTimeoutMs, signal };
  }
}
