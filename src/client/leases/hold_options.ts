// SPDX-License-Identifier: Apache-2.0

import { TsoClientError } from "../errors.ts";
import type { HeldLease } from "./held_lease.ts";
import type { LeaseTiming } from "./lease_clock.ts";
import type { ClientCallOptions } from "../options.ts";

/** Options of `holdLease`. The signal and the timeout are for the acquisition, not for the time after. */
export interface HoldLeaseOptions extends ClientCallOptions {
  /** How long the lease lasts without a renewal, in milliseconds; 5,000 to 300,000 unless the server says otherwise. */
  readonly ttlMs: number;
  /**
   * The holder's own generation, an unsigned 64-bit number: of two claims under one name the higher one wins.
   * Whoever gives one must give the same `ttlMs` with it each time: a lease that lives keeps the one it was
   * acquired with. If the server seems to end it earlier than that, the lease is trusted for less.
   *
   * @default {a fresh timestamp, so that the latest claim wins}
   */
  readonly holderEpoch?: bigint;
  /**
   * How much earlier than the server the holder gives the lease up, in milliseconds, above 0 and at most half
   * of `ttlMs`: room for what the clocks of two leaders differ by, for clocks of different rates, and for the
   * time from a check to the use of a stamp.
   *
   * @default {a tenth of `ttlMs`}
   */
  readonly safetyMarginMs?: number;
  /**
   * Called after each renewal, when the bound and the expiry have moved. It must not throw: there is nobody who
   * could catch that, and it would be an uncaught exception.
   */
  readonly onRenewed?: (lease: HeldLease) => void;
}

/**
 * Checks how early a lease is given up.
 *
 * @throws {TsoClientError} `invalid-argument` naming the rule and the value
 */
export function leaseTiming(options: HoldLeaseOptions): LeaseTiming {
  const { ttlMs, holderEpoch, safetyMarginMs: marginMs = ttlMs / 10 } = options;
  const mayDiffer = holderEpoch !== undefined;
  if (marginMs > 0 && marginMs <= ttlMs / 2) return { ttlMs, marginMs, mayDiffer };
  throw new TsoClientError(
    "invalid-argument",
    `Cannot use ${marginMs} as 'safetyMarginMs': it must be above 0 and at most half of 'ttlMs', ${ttlMs}`,
  );
}
