// SPDX-License-Identifier: Apache-2.0

import type { Clock } from "../../core/clock.ts";

/** Waits that end in the same millisecond. They share a timer and a signal. */
export interface Tick {
  /** When it is over, on the monotonic clock, in whole milliseconds. */
  readonly atMs: number;
  /** Fires then. */
  readonly signal: AbortSignal;
}

interface OpenTick extends Tick {
  readonly over: AbortController;
  readonly timer: AbortController;
  waiting: number;
}

/** The reason of a {@linkcode Tick}'s signal. One for all, as those who share a tick may have waited differently. */
export const EXPIRED: Error = new Error("the time of the call is over");

/**
 * Timers for many waits. One timer serves all that end in the same millisecond: a timer and a signal for each of a
 * thousand callers cost more than their call.
 */
export class Timeouts {
  readonly #clock: Clock;
  readonly #ticks = new Map<number, OpenTick>();

  /** Makes a set without a timer. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Begins a wait. {@linkcode Timeouts.end} must be called once with what this returns.
   *
   * @param timeoutMs above 0; the wait may be longer by up to a millisecond
   */
  begin(timeoutMs: number): Tick {
    const nowMs = this.#clock.monotonicMs();
    const atMs = Math.ceil(nowMs + timeoutMs);
    const tick = this.#ticks.get(atMs) ?? this.#open(atMs, atMs - nowMs);
    tick.waiting += 1;
    return tick;
  }

  /** Ends a wait. The timer goes with the last one. */
  end({ atMs, signal }: Tick): void {
    const tick = this.#ticks.get(atMs);
    if (tick?.signal !== signal || --tick.waiting > 0) return;
    this.#ticks.delete(atMs);
    tick.timer.abort();
  }

  #open(atMs: number, delayMs: number): OpenTick {
    const over = new AbortController();
    const timer = new AbortController();
    const tick = { atMs, over, timer, signal: over.signal, waiting: 0 };
    this.#ticks.set(atMs, tick);
    this.#clock.delay(delayMs, { signal: timer.signal }).then(() => this.#expire(tick), ignore);
    return tick;
  }

  #expire(tick: OpenTick): void {
    this.#ticks.delete(tick.atMs);
    tick.over.abort(EXPIRED);
  }
}

function ignore(): void {}
