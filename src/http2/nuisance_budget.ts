// SPDX-License-Identifier: Apache-2.0

import type { Clock } from "../core/clock.ts";

/** Frames that a peer may waste at once. */
export const NUISANCE_BURST = 1_000;

/** Frames that a peer may waste in the long run, per second. */
export const NUISANCE_PER_SECOND = 50;

/**
 * How much of a peer's traffic may be of no use: PING, SETTINGS and PRIORITY, empty DATA, credit for nothing, frames
 * that nobody knows or that come too late, streams that it resets or that have to be reset. Each costs this side more
 * than the peer. A request that is answered makes good for one, so that what clients do along with their calls never
 * adds up.
 */
export class NuisanceBudget {
  readonly #clock: Clock;
  #left = NUISANCE_BURST;
  #refilledAtMs: number;

  /** Makes a full budget. */
  constructor(clock: Clock) {
    this.#clock = clock;
    this.#refilledAtMs = clock.monotonicMs();
  }

  /** Takes one. False if there is none left. The clock is read only when it seems so. */
  spend(): boolean {
    this.#left -= 1;
    if (this.#left >= 0) return true;
    const nowMs = this.#clock.monotonicMs();
    const refill = Math.floor((nowMs - this.#refilledAtMs) * NUISANCE_PER_SECOND / 1_000);
    this.#refilledAtMs = nowMs;
    this.#left = Math.min(NUISANCE_BURST, this.#left + refill);
    return this.#left >= 0;
  }

  /** Gives one back. */
  earn(): void {
    if (this.#left < NUISANCE_BURST) this.#left += 1;
  }
}
