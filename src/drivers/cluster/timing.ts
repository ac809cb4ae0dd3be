// SPDX-License-Identifier: Apache-2.0

/** Default of the length of a lease, in milliseconds. */
export const DEFAULT_LEASE_MS = 1_500;

/** Shortest lease, in milliseconds: below it the pauses of a healthy machine and engine end leaderships. */
export const SHORTEST_LEASE_MS = 300;

/** Longest lease, in milliseconds: after a crash nobody serves for longer than this. */
export const LONGEST_LEASE_MS = 60_000;

/** How much the rates of two clocks may differ, as a part of the lease. */
const MARGIN_PART = 1 / 20;
/** Least margin, in milliseconds: covers the rounding of clocks and timers. */
const LEAST_MARGIN_MS = 10;

/** The lengths of time that follow from that of the lease, in milliseconds. */
export interface LeaseTiming {
  /** The lease. */
  readonly leaseMs: number;
  /** How long a leader is certain after it has sent a heartbeat: the lease less the margin. */
  readonly certainMs: number;
  /** How long a leader must be silent before its term is taken over: the lease and the margin. */
  readonly silenceMs: number;
  /** Time between the sending of two heartbeats. */
  readonly beatEveryMs: number;
  /** How long a heartbeat may take. */
  readonly beatTimeoutMs: number;
  /** Pause after the first failure in a row; each further one doubles it, up to {@linkcode beatEveryMs}. */
  readonly retryMs: number;
}

/**
 * Derives all lengths of time from that of the lease.
 *
 * @param leaseMs 300 to 60_000
 * @throws {RangeError} if it is out of range
 */
export function leaseTiming(leaseMs: number): LeaseTiming {
  if (!(leaseMs >= SHORTEST_LEASE_MS && leaseMs <= LONGEST_LEASE_MS)) {
    throw new RangeError(
      `Cannot make a driver as 'leaseMs' must be ${SHORTEST_LEASE_MS} to ${LONGEST_LEASE_MS}: current value is ${leaseMs}`,
    );
  }
  const marginMs = Math.max(leaseMs * MARGIN_PART, LEAST_MARGIN_MS);
  return {
    leaseMs,
    certainMs: leaseMs - marginMs,
    silenceMs: leaseMs + marginMs,
    beatEveryMs: leaseMs / 4,
    beatTimeoutMs: leaseMs * 0.3,
    retryMs: leaseMs / 30,
  };
}

/**
 * How long to pause before the next attempt.
 *
 * @param failures number of failures in a row, from 1
 */
export function retryPauseMs(timing: LeaseTiming, failures: number): number {
  return Math.min(timing.retryMs * 2 ** (failures - 1), timing.beatEveryMs);
}
