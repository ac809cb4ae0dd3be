// SPDX-License-Identifier: Apache-2.0

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
  readonly #lengthMs: number;
  readonly #waiting = new Set<Deadline>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Makes an empty queue of waits that are `lengthMs` milliseconds long. */
  constructor(lengthMs: number) {
    this.#lengthMs = lengthMs;
  }

  /** Starts a wait. */
  add(expire: () => void): Deadline {
    const deadline = { atMs: performance.now() + this.#lengthMs, expire };
    this.#waiting.add(deadline);
    this.#timer ??= setTimeout(() => this.#sweep(), this.#lengthMs);
    return deadline;
  }

  /** Ends a wait before its time. */
  remove(deadline: Deadline | undefined): void {
    if (deadline !== undefined) this.#waiting.delete(deadline);
  }

  /** Ends all waits and the timer. */
  clear(): void {
    this.#waiting.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #sweep(): void {
    this.#timer = undefined;
    const nowMs = performance.now();
    const expired: Deadline[] = [];
    for (const deadline of this.#waiting) {
      if (deadline.atMs > nowMs) {
        this.#timer = setTimeout(() => this.#sweep(), deadline.atMs - nowMs);
        break;
      }
      expired.push(deadline);
    }
    for (const deadline of expired) {
      if (this.#waiting.delete(deadline)) deadline.expire();
    }
  }
}
