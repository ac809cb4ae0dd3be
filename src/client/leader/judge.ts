// SPDX-License-Identifier: Apache-2.0

import { Code } from "@connectrpc/connect";
import { TsoClientError } from "../errors.ts";
import type { Fault } from "../calls/fault.ts";
import { errorOfFault, statusName } from "../calls/fault_error.ts";
import type { Attempted } from "../calls/fault_error.ts";
import { LEADER_HINT_KEY } from "./hint.ts";
import type { HintReading } from "./hint.ts";
import type { FailedVerdict, RetryReason, Verdict } from "./verdict.ts";

const REASONS = {
  "not-sent": "connect_failure",
  "transport": "transport",
  "deadline": "deadline_exceeded",
  "status": "transport",
} as const satisfies Record<Fault["kind"], RetryReason>;

/** A hint that says who leads, or that nobody does. */
export type UsableHint = Exclude<HintReading, { readonly kind: "unusable" }>;

/** The message of a not-leader answer (behaviour.md 1.3). */
const NOT_LEADER = "not leader";

/** The verdict that an attempt is used up. */
export function failedVerdict(fault: Fault, attempted: Attempted): FailedVerdict {
  const { kind, code } = fault;
  const late = code === Code.DeadlineExceeded && kind === "status";
  return {
    kind: "failed",
    error: errorOfFault(fault, attempted),
    reason: late ? "deadline_exceeded" : REASONS[kind],
    passing: isPassing(fault),
  };
}

/**
 * Whether a refusal says that the server does not lead. Where other preconditions can fail too, because a
 * counter is full or a lease has expired, those have no hint.
 */
export function saysNotLeader(fault: Fault): boolean {
  const { kind, code, text, metadata } = fault;
  if (kind !== "status" || code !== Code.FailedPrecondition) return false;
  return metadata.has(LEADER_HINT_KEY) || text === NOT_LEADER;
}

/** The verdict on a hint; one that cannot be used is left to the caller. */
export function verdictOnHint(hint: UsableHint): Verdict {
  return hint.kind === "leader" ? hint : { kind: "no-leader" };
}

/** The error for a hint that cannot be used. */
export function hintError(
  fault: Fault,
  about: Attempted & { readonly why: string },
): TsoClientError {
  const { what, why, address: { name: endpoint } } = about;
  const text = `Cannot ${what}: ${endpoint} does not lead, and its hint cannot be used: ${why}`;
  const { cause, code } = fault;
  return new TsoClientError("bad-response", text, { endpoint, cause, status: statusName(code) });
}

/** Whether a fault may be gone a little later, for a request that may be repeated (behaviour.md 6.5). */
function isPassing(fault: Fault): boolean {
  const { kind, code } = fault;
  return kind !== "status" || code === Code.Unavailable || code === Code.DeadlineExceeded;
}
