// SPDX-License-Identifier: Apache-2.0

import type { Clock } from "../core/clock.ts";

/** A wait that has been given a deadline. */
export interface Deadline {
  /** When it expires, on the monotonic clock in milliseconds. */
  readonly atMs: number;
  /** What to do then. */
  readonly expire: () => void;
}

/**
 * Many waits of equal length on one timer. As all have the same length, the order of insertion is the order
 * of expiry: adding and removing cost a set operation, which every request can afford, and no timer.
 */
export class DeadlineQueue {
  /** How long each wait is, in milliseconds. */
  readonly lengthMs: number;
  readonly #clock: Clock;
  readonly #waiting = new Set<Deadline>();
  #timer: AbortController | undefined;

  /** Makes an empty queue of waits that are `lengthMs` milliseconds long. */
  constructor(lengthMs: number, clock: Clock) {
    this.lengthMs = lengthMs;
    this.#clock = clock;
  }

  /** The monotonic clock of the deadlines, in milliseconds. */
  nowMs(): number {
    return this.#clock.monotonicMs();
  }

  /** Starts a wait. */
  add(expire: () => void): Deadline {
    const deadline = { atMs: this.nowMs() + this.lengthMs, expire };
    this.#waiting.add(deadline);
    if (this.#timer === undefined) this.#sleep(this.lengthMs);
    return deadline;
  }

  /** Ends a wait before its time. */
  remove(deadline: Deadline | undefined): void {
    if (deadline !== undefined) this.#waiting.delete(deadline);
  }

  /** Ends all waits and the timer. */
  clear(): void {
    this.#waiting.clear();
    this.#timer?.abort();
    this.#timer = undefined;
  }

  #sleep(ms: number): void {
    const timer = new AbortController();
    this.#timer = timer;
    this.#clock.delay(ms, { signal: timer.signal }).then(() => this.#sweep(timer), ignore);
  }

  #sweep(timer: AbortController): void {
    if (this.#timer !== timer) return;
    this.#timer = undefined;
    const nowMs = this.nowMs();
    const expired: Deadline[] = [];
    for (const deadline of this.#waiting) {
      if (deadline.atMs > nowMs) {
        this.#sleep(deadline.atMs - nowMs);
        break;
      }
      expired.push(deadline);
    }
    for (const deadline of expired) {
      if (this.#waiting.delete(deadline)) deadline.expire();
    }
  }
}

/** The timer was stopped. */
function ignore(): void {}
