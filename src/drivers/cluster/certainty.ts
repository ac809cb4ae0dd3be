// SPDX-License-Identifier: Apache-2.0

import type { Clock } from "../../core/clock.ts";

/** When something was sent, on both clocks of this node. */
export interface SendTime {
  /** Milliseconds of the monotonic clock. */
  readonly monotonicMs: number;
  /** Milliseconds of the wall clock. */
  readonly wallMs: number;
}

/** The present moment as a time of sending. To be taken before the sending begins. */
export function sendTime(clock: Clock): SendTime {
  return { wallMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
}

/**
 * Until when one term of leadership is certain: the one number that keeps two nodes from granting at the same
 * time.
 *
 * Both clocks can end it. The monotonic one measures; but it stands still while a machine is suspended, so a wall clock
 * that has moved as far since the last sending ends certainty too, until a later heartbeat is acknowledged.
 * A wall clock that steps back changes nothing.
 */
export class Certainty {
  readonly #clock: Clock;
  readonly #certainMs: number;
  #latest: SendTime | undefined;
  /** What was sent up to here counts no more, on the monotonic clock: the wall clock has overtaken it. */
  #overtakenMs = -Infinity;
  #hasEnded = false;

  /**
   * Begins without certainty.
   *
   * @param certainMs how long a heartbeat counts from its sending
   */
  constructor(clock: Clock, certainMs: number) {
    this.#clock = clock;
    this.#certainMs = certainMs;
  }

  /** Counts an acknowledged heartbeat. One that was sent before another that counts changes nothing. */
  extend(sent: SendTime): void {
    if (this.#hasEnded || sent.monotonicMs <= this.#overtakenMs) return;
    if (this.#latest !== undefined && sent.monotonicMs <= this.#latest.monotonicMs) return;
    this.#latest = sent;
  }

  /** Ends certainty for good. */
  end(): void {
    this.#hasEnded = true;
  }

  /** Until when the term is certain, on the monotonic clock; `-Infinity` if it is not. */
  until(): number {
    const latest = this.#latest;
    if (this.#hasEnded || latest === undefined) return -Infinity;
    if (this.#clock.nowMs() - latest.wallMs >= this.#certainMs) {
      this.#overtakenMs = this.#clock.monotonicMs();
      this.#latest = undefined;
      return -Infinity;
    }
    return latest.monotonicMs + this.#certainMs;
  }

  /** Whether the term is certain now. */
  get isCertain(): boolean {
    // The clock is read first, so that a suspension between the two is seen by the wall clock in `until`.
    const nowMs = this.#clock.monotonicMs();
    return nowMs < this.until();
  }
}
