// SPDX-License-Identifier: Apache-2.0

import type { Clock } from "../core/clock.ts";

/** A call that ends in time. */
export interface Expiring {
  /** The time is over. */
  expire(): void;
}

/**
 * The ends of calls, on one timer: calls mostly have as long as the one before, so that the timer need not be set
 * anew for each of them.
 */
export class CallDeadlines {
  readonly #clock: Clock;
  readonly #ends = new Map<Expiring, number>();
  #timer: AbortController | undefined;
  #timerMs = Infinity;

  /** Makes an empty set without a timer. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Begins to wait for a call. */
  add(call: Expiring, timeoutMs: number): void {
    const atMs = this.#clock.monotonicMs() + timeoutMs;
    this.#ends.set(call, atMs);
    if (atMs < this.#timerMs) this.#sleepUntil(atMs);
  }

  /** The call has ended. The timer stays, for the next ones. */
  remove(call: Expiring): void {
    this.#ends.delete(call);
  }

  /** Forgets all calls, and stops the timer. */
  clear(): void {
    this.#ends.clear();
    this.#timer?.abort();
    this.#timer = undefined;
    this.#timerMs = Infinity;
  }

  #sleepUntil(atMs: number): void {
    this.#timer?.abort();
    const timer = new AbortController();
    this.#timer = timer;
    this.#timerMs = atMs;
    const ms = Math.max(0, atMs - this.#clock.monotonicMs());
    this.#clock.delay(ms, { signal: timer.signal }).then(() => this.#sweep(), () => {});
  }

  #sweep(): void {
    this.#timer = undefined;
    this.#timerMs = Infinity;
    const nowMs = this.#clock.monotonicMs();
    let nextMs = Infinity;
    for (const [call, atMs] of this.#ends) {
      if (atMs > nowMs) {
        nextMs = Math.min(nextMs, atMs);
        continue;
      }
      this.#ends.delete(call);
      call.expire();
    }
    if (nextMs < this.#timerMs) this.#sleepUntil(nextMs);
  }
}
