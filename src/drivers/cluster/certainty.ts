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
 * The monotonic clock measures it; but that clock stands still while a machine is suspended. So each millisecond that the
 * wall clock gains on it is taken for one of sleep and shortens certainty, up to the next acknowledged heartbeat. A
 * wall clock that steps back changes nothing, and hides no sleep that comes after the step was noticed, which is at each
 * reading. One that steps back while the machine sleeps cannot be told from a shorter sleep.
 */
export class Certainty {
  readonly #clock: Clock;
  readonly #certainMs: number;
  #latest: SendTime | undefined;
  /** The least lead of the wall clock since the sending of `latest`. */
  #leastLeadMs = Infinity;
  /** The same since the latest mark, which becomes `latest` if it is acknowledged. */
  #leastLeadOfMarkMs = Infinity;
  /** The most that the lead was ever seen to have grown since `latest`. */
  #sleptMs = 0;
  /** The same since the latest mark: a step back before the answer does not undo the sleep. */
  #sleptSinceMarkMs = 0;
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

  /** Marks the sending of a heartbeat; one is under way at a time. */
  mark(): SendTime {
    this.#observe();
    const sent = sendTime(this.#clock);
    this.#leastLeadOfMarkMs = leadOf(sent);
    this.#sleptSinceMarkMs = 0;
    return sent;
  }

  /** Counts an acknowledged heartbeat. One that was sent before another that counts changes nothing. */
  extend(sent: SendTime): void {
    if (this.#hasEnded) return;
    if (this.#latest !== undefined && sent.monotonicMs <= this.#latest.monotonicMs) return;
    this.#latest = sent;
    this.#leastLeadMs = Math.min(this.#leastLeadOfMarkMs, leadOf(sent));
    this.#sleptMs = this.#sleptSinceMarkMs;
    this.#observe();
  }

  /** Ends certainty for good. */
  end(): void {
    this.#hasEnded = true;
  }

  /** Until when the term is certain, on the monotonic clock; `-Infinity` if it never was, or has ended. */
  until(): number {
    const latest = this.#latest;
    if (this.#hasEnded || latest === undefined) return -Infinity;
    this.#observe();
    return latest.monotonicMs + this.#certainMs - this.#sleptMs;
  }

  /** Whether the term is certain now. */
  get isCertain(): boolean {
    // The clock is read first, so that a sleep between the two is seen in `until`.
    const nowMs = this.#clock.monotonicMs();
    return nowMs < this.until();
  }

  #observe(): void {
    const leadMs = leadOf(sendTime(this.#clock));
    this.#leastLeadMs = Math.min(this.#leastLeadMs, leadMs);
    this.#leastLeadOfMarkMs = Math.min(this.#leastLeadOfMarkMs, leadMs);
    this.#sleptMs = Math.max(this.#sleptMs, leadMs - this.#leastLeadMs);
    this.#sleptSinceMarkMs = Math.max(this.#sleptSinceMarkMs, leadMs - this.#leastLeadOfMarkMs);
  }
}

/** How far the wall clock is ahead of the monotonic one. */
function leadOf({ wallMs, monotonicMs }: SendTime): number {
  return wallMs - monotonicMs;
}
