// SPDX-License-Identifier: Apache-2.0

import { Code, ConnectError } from "@connectrpc/connect";
import type { OracleErrorCode } from "../server/errors.ts";
import { OracleError } from "../server/errors.ts";
import { leaderHintMetadata } from "./leader_hint.ts";

/** What the wire says for each refusal of the oracle (behaviour.md 1.4). */
const STATUS = {
  "invalid-count": Code.InvalidArgument,
  "not-leader": Code.FailedPrecondition,
  "out-of-range": Code.OutOfRange,
  "unavailable": Code.Unavailable,
  "window-exhausted": Code.Internal,
  "internal": Code.Internal,
  "unsupported": Code.Unimplemented,
  "invalid-key": Code.InvalidArgument,
  "invalid-batch": Code.InvalidArgument,
  "key-limit": Code.ResourceExhausted,
  "sequence-overflow": Code.FailedPrecondition,
  "outcome-unknown": Code.Internal,
  "invalid-holder": Code.InvalidArgument,
  "invalid-ttl": Code.InvalidArgument,
  "stale-holder": Code.FailedPrecondition,
  "lease-expired": Code.FailedPrecondition,
  "lease-superseded": Code.FailedPrecondition,
  "unknown-lease": Code.NotFound,
  "lease-limit": Code.ResourceExhausted,
} as const satisfies Record<OracleErrorCode, Code>;

/** Turns a refusal of the oracle into a status. The message stays; not-leader also carries the hint. */
export function toStatus(error: OracleError): ConnectError {
  const metadata = error.code === "not-leader" ? leaderHintMetadata(error.hint) : undefined;
  return new ConnectError(error.message, STATUS[error.code], metadata, undefined, error);
}

/**
 * Turns whatever a call threw into a status: a refusal by the table, a status and the abort of the call as
 * they are. Anything else is a fault of ours and becomes INTERNAL, with its text kept from the client.
 *
 * @param error what was thrown
 * @param onUnexpected told of a fault, so that it reaches the log
 */
export function statusOf(error: unknown, onUnexpected: (error: unknown) => void): ConnectError {
  if (error instanceof OracleError) return toStatus(error);
  if (error instanceof ConnectError) return error;
  if (isAbort(error)) return ConnectError.from(error);
  onUnexpected(error);
  return new ConnectError("internal error", Code.Internal, undefined, undefined, error);
}

/** The status of a call that ends because the server does. */
export function shuttingDown(): ConnectError {
  return new ConnectError("server is shutting down", Code.Unavailable);
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}
