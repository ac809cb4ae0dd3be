// SPDX-License-Identifier: Apache-2.0

import type { ConsensusDriver, DriverCallOptions, LeadershipEvent } from "../consensus/driver.ts";
import { checkAdvance, FencedError, PermanentError } from "../consensus/errors.ts";
import { takeSequences } from "../consensus/take_sequences.ts";
import type { Epoch } from "../core/epoch.ts";
import { onAbort } from "../core/abortable.ts";
import { deferred } from "../core/deferred.ts";
import type { Deferred } from "../core/deferred.ts";
import type { LeaseRecord } from "../core/lease_table.ts";
import { DEFAULT_MAX_SEQUENCE_KEYS } from "../core/sequence.ts";
import type { SequenceRequest } from "../core/sequence.ts";
import { SequenceCounters } from "../core/sequence_counters.ts";

/** One call of `persistHighWater`. */
export interface PersistCall {
  /** The high-water asked for, in milliseconds. */
  readonly atLeastMs: number;
  /** The epoch that the call carried. */
  readonly epoch: Epoch;
}

/** One call of `advanceDense` or `advanceDenseBatch`. */
export interface AdvanceCall {
  /** What was asked for; one request if it was `advanceDense`. */
  readonly requests: readonly SequenceRequest[];
  /** The epoch that the call carried. */
  readonly epoch: Epoch;
}

/** One call of `persistLeases`. */
export interface LeasesCall {
  /** The whole set of leases. */
  readonly leases: readonly LeaseRecord[];
  /** The epoch that the call carried. */
  readonly epoch: Epoch;
}

/** Options of {@linkcode ScriptedDriver}. */
export interface ScriptedDriverOptions {
  /**
   * The sequences found at the start, each with its next ordinal.
   *
   * @default {[]}
   */
  readonly sequences?: Iterable<readonly [string, bigint]>;
  /**
   * How many sequences there may be.
   *
   * @default {10_000}
   */
  readonly maxSequenceKeys?: number;
}

/** A hook that can hold a call by a promise, or make it fail by throwing. */
export type CallHook<T> = (call: T) => void | Promise<void>;

type StreamItem =
  | { readonly kind: "event"; readonly event: LeadershipEvent }
  | { readonly kind: "end" }
  | { readonly kind: "fail"; readonly error: unknown };

/**
 * A driver whose every answer a test decides. Its store is honest (it keeps the maximum and refuses epochs
 * below the highest announced or written), unless a hook says otherwise. A driver that lacks the optional
 * methods is made of it by {@linkcode driverWithout}.
 */
export class ScriptedDriver implements ConsensusDriver {
  /** Runs before a load reads the store. */
  beforeLoad: CallHook<void> | undefined;
  /** Runs before a persist reaches the store. */
  beforePersist: CallHook<PersistCall> | undefined;
  /** Runs after a persist is durable and before it is answered. */
  afterPersist: CallHook<PersistCall> | undefined;
  /** Runs before sequences reach the store. */
  beforeAdvance: CallHook<AdvanceCall> | undefined;
  /** Runs after sequences are durable and before they are answered. */
  afterAdvance: CallHook<AdvanceCall> | undefined;
  /** Runs before the leases are read from the store. */
  beforeLoadLeases: CallHook<void> | undefined;
  /** Runs before leases reach the store. */
  beforePersistLeases: CallHook<LeasesCall> | undefined;
  /** Runs after leases are durable and before they are answered. */
  afterPersistLeases: CallHook<LeasesCall> | undefined;
  /** Runs when the driver is asked to resign, before it looks for a successor. */
  beforeResign: CallHook<void> | undefined;
  /** Every persist, in the order of the calls. */
  readonly persists: PersistCall[] = [];
  /** Every call that asked for ordinals, in their order. */
  readonly advances: AdvanceCall[] = [];
  /** Every persist of leases, in the order of the calls. */
  readonly leasePersists: LeasesCall[] = [];
  /** Number of times that the driver was asked to resign. */
  resignations = 0;
  /** Number of loads of the high-water. */
  loads = 0;
  /** Largest number of `next()` calls that were ever pending together. */
  maxPendingNexts = 0;
  /** The durable high-water in milliseconds. */
  highWaterMs = 0;
  /** The durable leases. */
  leases: readonly LeaseRecord[] = [];
  readonly #counters: SequenceCounters;
  #fence: Epoch = 0n;
  #latest: LeadershipEvent["kind"] = "unknown";
  #pendingNexts = 0;
  #items: StreamItem[] = [];
  #wake: Deferred<void> = deferred<void>();
  #consumer: AbortSignal | undefined;
  #called: Deferred<void> = deferred<void>();

  /** Makes a driver with an empty stream. */
  constructor(options: ScriptedDriverOptions = {}) {
    const { sequences = [], maxSequenceKeys = DEFAULT_MAX_SEQUENCE_KEYS } = options;
    this.#counters = new SequenceCounters(maxSequenceKeys, new Map(sequences));
  }

  /** Puts a leadership event on the stream. A leadership overtakes every older epoch at once. */
  announce(event: LeadershipEvent): void {
    if (event.kind === "leader" && event.epoch > this.#fence) this.#fence = event.epoch;
    this.#latest = event.kind;
    this.#push({ kind: "event", event });
  }

  /** Ends the stream although nobody asked it to. */
  endStream(): void {
    this.#push({ kind: "end" });
  }

  /** Makes the stream throw. */
  failStream(error: unknown): void {
    this.#push({ kind: "fail", error });
  }

  /** Resolves once `count` persists have been asked for, in all. */
  async untilPersists(count: number): Promise<void> {
    while (this.persists.length < count) await this.#called.promise;
  }

  /** Resolves once `count` loads have been asked for, in all. */
  async untilLoads(count: number): Promise<void> {
    while (this.loads < count) await this.#called.promise;
  }

  /** Resolves once ordinals have been asked for by `count` calls, in all. */
  async untilAdvances(count: number): Promise<void> {
    while (this.advances.length < count) await this.#called.promise;
  }

  /** Resolves once `count` persists of leases have been asked for, in all. */
  async untilLeasePersists(count: number): Promise<void> {
    while (this.leasePersists.length < count) await this.#called.promise;
  }

  /** Resolves once the driver was asked to resign `count` times, in all. */
  async untilResignations(count: number): Promise<void> {
    while (this.resignations < count) await this.#called.promise;
  }

  /**
   * The scripted stream. Its `return()` is never needed: it ends by the signal.
   *
   * @throws {PermanentError} from `next()`, if another consumer reads
   */
  leadershipEvents(options: { readonly signal: AbortSignal }): AsyncIterable<LeadershipEvent> {
    const { signal } = options;
    signal.addEventListener("abort", () => this.#wake.resolve(), { once: true });
    return { [Symbol.asyncIterator]: () => ({ next: () => this.#next(signal) }) };
  }

  /** Reads the store after the hook. */
  async loadHighWater(): Promise<number> {
    this.loads++;
    this.#noteCall();
    await this.beforeLoad?.();
    return this.highWaterMs;
  }

  /** Raises the store between the hooks. */
  async persistHighWater(atLeastMs: number, epoch: Epoch): Promise<number> {
    const call = { atLeastMs, epoch };
    this.persists.push(call);
    this.#noteCall();
    await this.beforePersist?.(call);
    checkAdvance(atLeastMs);
    this.#checkEpoch(epoch);
    this.highWaterMs = Math.max(this.highWaterMs, atLeastMs);
    const durableMs = this.highWaterMs;
    await this.afterPersist?.(call);
    return durableMs;
  }

  /** The next ordinal in the store. */
  loadDenseSeq(key: string): Promise<bigint> {
    return Promise.resolve(this.#counters.next(key));
  }

  /** Takes ordinals between the hooks. */
  async advanceDense(
    request: SequenceRequest,
    epoch: Epoch,
    options?: DriverCallOptions,
  ): Promise<bigint> {
    const [start = 0n] = await this.advanceDenseBatch([request], epoch, options);
    return start;
  }

  /** Takes ordinals of several sequences between the hooks. The signal counts until the first has run. */
  async advanceDenseBatch(
    requests: readonly SequenceRequest[],
    epoch: Epoch,
    options: DriverCallOptions = {},
  ): Promise<readonly bigint[]> {
    const call = { requests, epoch };
    this.advances.push(call);
    this.#noteCall();
    await this.beforeAdvance?.(call);
    options.signal?.throwIfAborted();
    this.#checkEpoch(epoch);
    const starts = takeSequences(this.#counters, requests);
    await this.afterAdvance?.(call);
    return starts;
  }

  /** Reads the leases from the store after the hook. */
  async loadLeases(): Promise<readonly LeaseRecord[]> {
    await this.beforeLoadLeases?.();
    return this.leases;
  }

  /** Replaces the leases between the hooks. */
  async persistLeases(leases: readonly LeaseRecord[], epoch: Epoch): Promise<void> {
    const call = { leases, epoch };
    this.leasePersists.push(call);
    this.#noteCall();
    await this.beforePersistLeases?.(call);
    this.#checkEpoch(epoch);
    this.leases = leases;
    await this.afterPersistLeases?.(call);
  }

  /** Waits, after the hook, until the latest event on the stream says that another node leads. */
  async resign(options: { readonly signal: AbortSignal }): Promise<boolean> {
    const { signal } = options;
    this.resignations++;
    this.#noteCall();
    await this.beforeResign?.();
    const leave = onAbort(signal, () => this.#wake.resolve());
    while (this.#latest !== "follower" && !signal.aborted) await this.#wake.promise;
    leave();
    return this.#latest === "follower";
  }

  #checkEpoch(epoch: Epoch): void {
    if (epoch < this.#fence) throw new FencedError(epoch, this.#fence);
    this.#fence = epoch;
  }

  async #next(signal: AbortSignal): Promise<IteratorResult<LeadershipEvent>> {
    this.#checkAlone(signal);
    this.#pendingNexts++;
    this.maxPendingNexts = Math.max(this.maxPendingNexts, this.#pendingNexts);
    try {
      while (this.#items.length === 0 && !signal.aborted) await this.#wake.promise;
      const item = this.#items.shift();
      if (item === undefined || item.kind === "end") return { done: true, value: undefined };
      if (item.kind === "fail") throw item.error;
      return { done: false, value: item.event };
    } finally {
      this.#pendingNexts--;
    }
  }

  #checkAlone(signal: AbortSignal): void {
    const consumer = this.#consumer ?? signal;
    if (consumer !== signal && !consumer.aborted) {
      throw new PermanentError(
        "Cannot read the leadership events as another consumer reads them: end its signal first",
      );
    }
    this.#consumer = signal;
  }

  #push(item: StreamItem): void {
    this.#items.push(item);
    this.#wake.resolve();
    this.#wake = deferred<void>();
  }

  #noteCall(): void {
    this.#called.resolve();
    this.#called = deferred<void>();
  }
}
