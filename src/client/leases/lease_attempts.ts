// SPDX-License-Identifier: Apache-2.0

import type { Clock } from "../../core/clock.ts";
import { TsoClientError } from "../errors.ts";
import type { ClientErrorCode } from "../errors.ts";
import type { CallContext, LeaseGrant, LeaseRequest } from "../grants.ts";
import { momentOf } from "./lease_clock.ts";
import type { Moment } from "./lease_clock.ts";

/** Makes single attempts for leases: a `LeaderCaller`. */
export interface LeaseSource {
  /** Asks for a lease. */
  acquireLease(request: LeaseRequest, call: CallContext): Promise<LeaseGrant>;
  /** Renews a lease. */
  renewLease(leaseId: number, call: CallContext): Promise<LeaseGrant>;
  /** Ends a lease. */
  releaseLease(leaseId: number, call: CallContext): Promise<void>;
}

/** A lease that was just acquired or renewed. */
export interface ArmedLease {
  /** The lease. */
  readonly grant: LeaseGrant;
  /** A moment before the request was sent that armed it. */
  readonly armed: Moment;
}

/** What attempts for a lease work with. */
export interface LeaseAttemptOptions {
  /** Makes the attempts. */
  readonly source: LeaseSource;
  /** Where time comes from. */
  readonly clock: Clock;
  /** Ends the work. */
  readonly signal: AbortSignal;
  /**
   * Ends a request to acquire that is under way, instead of `signal`: an answer that nobody waits for may still be
   * a grant.
   */
  readonly acquireSignal?: AbortSignal;
  /** How long an attempt that begins now may take, in milliseconds. */
  readonly timeoutMs: () => number;
  /** Told of each attempt that failed for a passing reason. */
  readonly onFault: (error: unknown) => void;
  /** Told of each grant of an acquisition, wanted or not. */
  readonly onGranted?: (leaseId: number) => void;
}

/** The first pause between attempts, in milliseconds. Each further one is twice as long. */
export const FIRST_PAUSE_MS = 50;

/** The longest pause, in milliseconds: short beside the shortest ttl of 5 s (behaviour.md 1.6). */
const LONGEST_PAUSE_MS = 1_000;

/** The pause after one of this length. */
export function nextPauseMs(pauseMs: number): number {
  return Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
}

/** What may be over a moment later: the leader changes, a server restarts, a disk hangs. */
const PASSING: ReadonlySet<ClientErrorCode> = new Set([
  "unreachable",
  "no-leader",
  "deadline-exceeded",
  "bad-response",
]);

/** Statuses of a server in trouble of its own, which say nothing about the lease. */
const PASSING_STATUSES: ReadonlySet<string | undefined> = new Set([
  "ABORTED",
  "CANCELLED",
  "INTERNAL",
  "UNKNOWN",
]);

/** Whether asking again for the same lease would be answered in the same way. */
export function isFinal(error: unknown): boolean {
  if (!(error instanceof TsoClientError)) return true;
  const { code, status } = error;
  return !PASSING.has(code) && !(code === "refused" && PASSING_STATUSES.has(status));
}

/**
 * Asks for a renewal until it is granted or refused for good.
 *
 * @throws {TsoClientError} the refusal
 * @throws the signal's reason
 */
export function renewUntilGranted(
  leaseId: number,
  options: LeaseAttemptOptions,
): Promise<ArmedLease> {
  const { source, clock } = options;
  return untilGranted(options, async (call) => {
    const armed = momentOf(clock);
    const grant = await source.renewLease(leaseId, call);
    return { grant: { ...grant, leaseId }, armed };
  });
}

/**
 * Asks for a lease until it is granted or refused for good. It counts as armed by the first request, because
 * a lost answer to that one may be why a later one is granted: the server returns a live lease unchanged.
 *
 * @throws {TsoClientError} the refusal
 * @throws the signal's reason
 */
export function acquireUntilGranted(
  request: LeaseRequest,
  options: LeaseAttemptOptions,
): Promise<ArmedLease> {
  const { source, clock, acquireSignal, onGranted } = options;
  const armed = momentOf(clock);
  return untilGranted(options, async ({ signal, timeoutMs }) => {
    const call = { signal: acquireSignal ?? signal, timeoutMs };
    const grant = await source.acquireLease(request, call);
    onGranted?.(grant.leaseId);
    return { grant, armed };
  });
}

async function untilGranted(
  options: LeaseAttemptOptions,
  attempt: (call: CallContext) => Promise<ArmedLease>,
): Promise<ArmedLease> {
  const { clock, signal, timeoutMs, onFault } = options;
  for (let pauseMs = FIRST_PAUSE_MS;; pauseMs = nextPauseMs(pauseMs)) {
    signal.throwIfAborted();
    try {
      return await attempt({ signal, timeoutMs: Math.max(1, timeoutMs()) });
    } catch (error) {
      if (signal.aborted || isFinal(error)) throw error;
      onFault(error);
    }
    await clock.delay(pauseMs, { signal });
  }
}
