// SPDX-License-Identifier: Apache-2.0

import type { ConsensusDriver, LeadershipEvent } from "../consensus/driver.ts";
import { checkAdvance, FencedError } from "../consensus/errors.ts";
import type { Epoch } from "../core/epoch.ts";
import { deferred } from "../core/deferred.ts";
import type { Deferred } from "../core/deferred.ts";

/** One call of `persistHighWater`. */
export interface PersistCall {
  /** The high-water asked for, in milliseconds. */
  readonly atLeastMs: number;
  /** The epoch that the call carried. */
  readonly epoch: Epoch;
}

/** A hook that can hold a call by a promise, or make it fail by throwing. */
export type CallHook<T> = (call: T) => void | Promise<void>;

type StreamItem =
  | { readonly kind: "event"; readonly event: LeadershipEvent }
  | { readonly kind: "end" }
  | { readonly kind: "fail"; readonly error: unknown };

/**
 * A driver whose every answer a test decides. Its store is honest (it keeps the maximum and refuses epochs
 * below the highest announced or written), unless a hook says otherwise.
 */
export class ScriptedDriver implements ConsensusDriver {
  /** Runs before a load reads the store. */
  beforeLoad: CallHook<void> | undefined;
  /** Runs before a persist reaches the store. */
  beforePersist: CallHook<PersistCall> | undefined;
  /** Runs after a persist is durable and before it is answered. */
  afterPersist: CallHook<PersistCall> | undefined;
  /** Every persist, in the order of the calls. */
  readonly persists: PersistCall[] = [];
  /** Number of loads. */
  loads = 0;
  /** Largest number of `next()` calls that were ever pending together. */
  maxPendingNexts = 0;
  /** The durable high-water in milliseconds. */
  highWaterMs = 0;
  #fence: Epoch = 0n;
  #pendingNexts = 0;
  #items: StreamItem[] = [];
  #wake: Deferred<void> = deferred<void>();
  #called: Deferred<void> = deferred<void>();

  /** Puts a leadership event on the stream. A leadership overtakes every older epoch at once. */
  announce(event: LeadershipEvent): void {
    if (event.kind === "leader" && event.epoch > this.#fence) this.#fence = event.epoch;
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

  /** The scripted stream. Its `return()` is never needed: it ends by the signal. */
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
    if (epoch < this.#fence) throw new FencedError(epoch, this.#fence);
    this.#fence = epoch;
    this.highWaterMs = Math.max(this.highWaterMs, atLeastMs);
    const durableMs = this.highWaterMs;
    await this.afterPersist?.(call);
    return durableMs;
  }

  async #next(signal: AbortSignal): Promise<IteratorResult<LeadershipEvent>> {
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
