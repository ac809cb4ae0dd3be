// SPDX-License-Identifier: Apache-2.0

import type { Clock } from "../../core/clock.ts";
import type { LeaseGrant } from "../grants.ts";

/** How long after a jump of the wall clock it may go unnoticed, in milliseconds: no timer tells of one. */
const LONGEST_STEP_MS = 500;

/** How long a lease lasts, and how early its holder stops. In milliseconds. */
export interface LeaseTiming {
  /** How long the server keeps it without a renewal. */
  readonly ttlMs: number;
  /** How much earlier the holder gives it up: room for clocks that differ, and for a late timer. */
  readonly marginMs: number;
  /** Whether the server may keep it for another ttl than this one: it may have been acquired before. */
  readonly mayDiffer: boolean;
}

/** A moment on both clocks. */
export interface Moment {
  /** On the monotonic clock. */
  readonly monotonicMs: number;
  /** On the wall clock. */
  readonly wallMs: number;
}

/** When a lease was armed, and until when. */
export interface Arming {
  /** A moment before the request was sent that armed it. */
  readonly armed: Moment;
  /** Its end on the server's wall clock, in milliseconds since the Unix epoch. */
  readonly expiresAtMs: number;
}

/** When this lease was armed, and until when. */
export function armingOf(
  lease: { readonly grant: Pick<LeaseGrant, "expiresAtMs">; readonly armed: Moment },
): Arming {
  return { armed: lease.armed, expiresAtMs: lease.grant.expiresAtMs };
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
 *
 * The one exception is a lease that may have been acquired before with another ttl. The ttl that the server has
 * is then not known, and its expiry on our wall clock may shorten the trust; it never makes it longer.
 */
export class LeaseClock {
  readonly #clock: Clock;
  readonly #timing: LeaseTiming;
  #arming: Arming;

  /** Begins with the request that armed the lease. */
  constructor(clock: Clock, timing: LeaseTiming, arming: Arming) {
    this.#clock = clock;
    this.#timing = timing;
    this.#arming = arming;
  }

  /** A renewal has succeeded. */
  arm(arming: Arming): void {
    this.#arming = arming;
  }

  /**
   * How long it can still be trusted, in milliseconds; below 0 if it cannot. The monotonic clock may stand still
   * while the machine sleeps; the wall clock then says so.
   */
  get trustedForMs(): number {
    return this.lifeMs - this.#sinceArmedMs;
  }

  /** How long until a renewal is due: a third of the ttl after it was armed (behaviour.md 1.5). */
  get renewalDueInMs(): number {
    return Math.max(0, this.#ttlMs / 3 - this.#sinceArmedMs);
  }

  /** For how long after it was armed it can be trusted; 0 or below if the server has too short a ttl for that. */
  get lifeMs(): number {
    return this.#ttlMs - this.#timing.marginMs;
  }

  get #ttlMs(): number {
    const { ttlMs, mayDiffer } = this.#timing;
    const { armed, expiresAtMs } = this.#arming;
    const keptForMs = expiresAtMs - armed.wallMs;
    // One that is over before it begins is a matter of clocks that differ, and says nothing of the ttl.
    return mayDiffer && keptForMs > 0 ? Math.min(ttlMs, keptForMs) : ttlMs;
  }

  get #sinceArmedMs(): number {
    const { monotonicMs, wallMs } = this.#arming.armed;
    return Math.max(this.#clock.monotonicMs() - monotonicMs, this.#clock.nowMs() - wallMs);
  }
}

/**
 * Waits until a time has come that the wall clock may bring forward.
 *
 * @param leftMs what is left of it, in milliseconds
 * @throws the reason of the signal
 */
export async function waitOut(
  clock: Clock,
  { leftMs, signal }: { readonly leftMs: () => number; readonly signal: AbortSignal },
): Promise<void> {
  for (let ms = leftMs(); ms > 0; ms = leftMs()) {
    await clock.delay(Math.min(ms, LONGEST_STEP_MS), { signal });
  }
}
