// SPDX-License-Identifier: Apache-2.0

import { TsoClientError } from "../errors.ts";
import type { LeaseRequest } from "../grants.ts";
import {
  acquireUntilGranted,
  FIRST_PAUSE_MS,
  nextPauseMs,
  renewUntilGranted,
} from "./lease_attempts.ts";
import type { ArmedLease, LeaseAttemptOptions } from "./lease_attempts.ts";

/** What {@linkcode obtainLease} works with. */
export interface ObtainOptions extends LeaseAttemptOptions {
  /** Whether the server may have given a lease to this holder and epoch before this call. */
  readonly mayBeOlder: boolean;
}

/**
 * Acquires a lease of which most of the ttl is left, over and over until it is granted or refused for good.
 *
 * One that the server may have granted before this call has an age that nobody knows, and one that took long
 * to get is old. Such a lease is renewed before it is handed out.
 *
 * @throws {TsoClientError} the refusal
 * @throws the signal's reason
 */
export async function obtainLease(
  request: LeaseRequest,
  options: ObtainOptions,
): Promise<ArmedLease> {
  let { mayBeOlder } = options;
  for (let pauseMs = FIRST_PAUSE_MS;; pauseMs = nextPauseMs(pauseMs)) {
    const acquired = await acquireUntilGranted(request, options);
    const ageMs = options.clock.monotonicMs() - acquired.armed.monotonicMs;
    if (!mayBeOlder && ageMs < request.ttlMs / 3) return acquired;
    try {
      return await renewUntilGranted(acquired.grant.leaseId, options);
    } catch (error) {
      if (options.signal.aborted || !hasExpired(error)) throw error;
      // Whoever was superseded is refused by the next attempt. An earlier one of ours may still be under
      // way and be granted before it.
      mayBeOlder = true;
    }
    await options.clock.delay(pauseMs, { signal: options.signal });
  }
}

function hasExpired(error: unknown): boolean {
  if (!(error instanceof TsoClientError)) return false;
  return error.status === "FAILED_PRECONDITION" || error.status === "NOT_FOUND";
}
