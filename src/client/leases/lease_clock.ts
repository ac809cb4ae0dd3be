// SPDX-License-Identifier: Apache-2.0

import type { Clock } from "../../core/clock.ts";

/** How long a lease lasts, and how early its holder stops. In milliseconds. */
export interface LeaseTiming {
  /** How long the server keeps it without a renewal. */
  readonly ttlMs: number;
  /** How much earlier the holder gives it up: room for clocks that differ, and for a late timer. */
  readonly marginMs: number;
}

/** A moment on both clocks. */
export interface Moment {
  /** On the monotonic clock. */
  readonly monotonicMs: number;
  /** On the wall clock. */
  readonly wallMs: number;
}

/** Reads both clocks. */
export function momentOf(clock: Clock): Moment {
  return { monotonicMs: clock.monotonicMs(), wallMs: clock.nowMs() };
}

/**
 * How long a lease can be trusted, judged from the moment before the request that armed it was sent. The
 * server armed it later than that, and set both its expiry and its bound to at least a ttl from there; so
 * nothing has to be known about the server's clock but that it runs at the rate of ours. The next leader judges
 * by a clock of its own: by how much that is ahead of the first one's, the margin has to make up for.
 */
export class LeaseClock {
  readonly #clock: Clock;
  readonly #timing: LeaseTiming;
  #armed: Moment;

  /** Begins with the moment before the request was sent. */
  constructor(clock: Clock, timing: LeaseTiming, armed: Moment) {
    this.#clock = clock;
    this.#timing = timing;
    this.#armed = armed;
  }

  /** A renewal has succeeded whose request was sent after this moment. */
  arm(moment: Moment): void {
    this.#armed = moment;
  }

  /** How long it can still be trusted, in milliseconds; below 0 if it cannot. */
  get trustedForMs(): number {
    return this.#lifeMs - this.#sinceArmedMs;
  }

  /**
   * Whether it can be trusted for certain: by both clocks. The monotonic clock may stand still while the
   * machine sleeps; the wall clock then says so.
   */
  get isTrusted(): boolean {
    const { wallMs } = this.#armed;
    return this.trustedForMs > 0 && this.#clock.nowMs() - wallMs < this.#lifeMs;
  }

  /** How long until a renewal is due: a third of the ttl after it was armed (behaviour.md 1.5). */
  get renewalDueInMs(): number {
    return Math.max(0, this.#timing.ttlMs / 3 - this.#sinceArmedMs);
  }

  get #lifeMs(): number {
    return this.#timing.ttlMs - this.#timing.marginMs;
  }

  get #sinceArmedMs(): number {
    return this.#clock.monotonicMs() - this.#armed.monotonicMs;
  }
}
