// SPDX-License-Identifier: Apache-2.0

import type { Clock, DelayOptions } from "../core/clock.ts";
import { deferred } from "../core/deferred.ts";
import type { Deferred } from "../core/deferred.ts";

interface Sleeper {
  readonly dueMs: number;
  readonly wake: () => void;
}

/** Options of {@linkcode ManualClock}. */
export interface ManualClockOptions {
  /**
   * Wall clock at the start, milliseconds since the Unix epoch.
   *
   * @default {1_700_000_000_000}
   */
  readonly nowMs?: number;
  /**
   * Monotonic clock at the start, in milliseconds.
   *
   * @default {0}
   */
  readonly monotonicMs?: number;
}

/**
 * A clock that moves only when a test says so.
 *
 * @example
 * ```ts
 * import { ManualClock } from "@tsoracle/tsoracle/testing";
 * import assert from "node:assert/strict";
 *
 * const clock = new ManualClock({ nowMs: 1_000 });
 * const waited = clock.delay(50);
 * await clock.advance(50);
 * await waited;
 * assert.equal(clock.nowMs(), 1_050);
 * ```
 */
export class ManualClock implements Clock {
  /** Wall clock less whole milliseconds of the monotonic clock: whole too, so that nothing is rounded twice. */
  #aheadMs: number;
  #monotonicMs: number;
  #sleepers: Sleeper[] = [];
  #arrivals: Deferred<void> = deferred<void>();

  /** Makes a clock that stands still. */
  constructor(options: ManualClockOptions = {}) {
    const { nowMs = 1_700_000_000_000, monotonicMs = 0 } = options;
    this.#aheadMs = Math.floor(nowMs) - Math.floor(monotonicMs);
    this.#monotonicMs = monotonicMs;
  }

  /** Number of waits that have not ended. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  /** When the earliest wait ends, on the monotonic clock; `undefined` if nobody waits. */
  get nextDueMs(): number | undefined {
    const due = this.#sleepers.map((sleeper) => sleeper.dueMs);
    return due.length === 0 ? undefined : Math.min(...due);
  }

  /** The wall clock, in whole milliseconds also after a wait that was not. */
  nowMs(): number {
    return this.#aheadMs + Math.floor(this.#monotonicMs);
  }

  /** The monotonic clock. */
  monotonicMs(): number {
    return this.#monotonicMs;
  }

  /** Sets the wall clock alone: a jump, forwards or backwards. */
  jumpTo(nowMs: number): void {
    this.#aheadMs = Math.floor(nowMs) - Math.floor(this.#monotonicMs);
  }

  /** Moves only the monotonic clock and wakes nobody: the process was paused. */
  pause(ms: number): void {
    this.#monotonicMs += ms;
  }

  /** Moves both clocks forward, waking each wait that falls due, in order of its time. */
  async advance(ms: number): Promise<void> {
    const targetMs = this.#monotonicMs + ms;
    for (;;) {
      const dueMs = this.nextDueMs;
      if (dueMs === undefined || dueMs > targetMs) break;
      this.#monotonicMs = Math.max(dueMs, this.#monotonicMs);
      this.#wakeDue();
      await settle();
    }
    this.#monotonicMs = targetMs;
    await settle();
  }

  /** Resolves once at least `count` waits are under way. */
  async untilSleeping(count = 1): Promise<void> {
    while (this.#sleepers.length < count) await this.#arrivals.promise;
  }

  /** Waits until {@linkcode advance} has moved the clock far enough. */
  delay(ms: number, options: DelayOptions = {}): Promise<void> {
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        signal?.removeEventListener("abort", abort);
      };
      const abort = () => {
        leave();
        reject(signal?.reason);
      };
      const wake = () => {
        leave();
        resolve();
      };
      const sleeper: Sleeper = { dueMs: this.#monotonicMs + ms, wake };
      signal?.addEventListener("abort", abort, { once: true });
      this.#sleepers.push(sleeper);
      this.#arrivals.resolve();
      this.#arrivals = deferred<void>();
    });
  }

  #wakeDue(): void {
    for (const sleeper of this.#sleepers) {
      if (sleeper.dueMs <= this.#monotonicMs) sleeper.wake();
    }
  }
}

/** Lets promise reactions that are ready, and those that they make ready, run. */
export async function settle(turns = 50): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await Promise.resolve();
}
