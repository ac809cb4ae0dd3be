// SPDX-License-Identifier: Apache-2.0

import type { PeerEndpoint } from "../core/endpoint.ts";
import type { Epoch } from "../core/epoch.ts";

/**
 * What the oracle answers instead of a grant:
 * - `invalid-count`: the count is not 1 to 262144; the caller must change it;
 * - `not-leader`: another node may lead; ask it, or ask again later;
 * - `out-of-range`: the clock or the window has left the 46-bit range;
 * - `unavailable`: the store did not answer in time; ask again;
 * - `window-exhausted`: a fresh window had no room for the block; `windowAheadMs` is too small;
 * - `internal`: the store failed for good, or the driver broke its contract;
 * - `unsupported`: the driver has no sequences, or no leases;
 * - `invalid-key`, `invalid-batch`: the key or the batch of a sequence request; the caller must change it;
 * - `key-limit`: the key is new, and the store holds as many as it may;
 * - `sequence-overflow`: the sequence has no more ordinals; no other node has either;
 * - `outcome-unknown`: the block may have been taken or not; asking again would take another one;
 * - `invalid-holder`, `invalid-ttl`: the claim of a lease; the caller must change it;
 * - `stale-holder`: a higher epoch of the same holder has the lease;
 * - `lease-expired`, `lease-superseded`: the lease cannot be renewed; acquire a new one;
 * - `unknown-lease`: no lease has this id, or it expired a while ago;
 * - `lease-limit`: there are as many leases as there may be.
 */
export type OracleErrorCode =
  | "invalid-count"
  | "not-leader"
  | "out-of-range"
  | "unavailable"
  | "window-exhausted"
  | "internal"
  | "unsupported"
  | "invalid-key"
  | "invalid-batch"
  | "key-limit"
  | "sequence-overflow"
  | "outcome-unknown"
  | "invalid-holder"
  | "invalid-ttl"
  | "stale-holder"
  | "lease-expired"
  | "lease-superseded"
  | "unknown-lease"
  | "lease-limit";

/** What is known about the leader; both fields absent: nothing yet. */
export interface LeaderHint {
  /** The leader's service address. */
  readonly leaderEndpoint?: PeerEndpoint | undefined;
  /** The leader's epoch; zero is a known epoch. */
  readonly leaderEpoch?: Epoch | undefined;
}

/** Options of {@linkcode OracleError}. */
export interface OracleErrorOptions extends ErrorOptions {
  /** Where the leader may be; for `not-leader`. */
  readonly hint?: LeaderHint;
}

/** A request that was not granted. Nothing was changed by it, unless the code is `outcome-unknown`. */
export class OracleError extends Error {
  /** Why, for programs. */
  readonly code: OracleErrorCode;
  /** Where the leader may be; empty unless the code is `not-leader`. */
  readonly hint: LeaderHint;

  /** Makes an error with a machine-readable code. */
  constructor(code: OracleErrorCode, message: string, options: OracleErrorOptions = {}) {
    super(message, options);
    this.name = "OracleError";
    this.code = code;
    this.hint = options.hint ?? {};
  }
}

/** The driver's leadership stream ended although nobody asked it to. The oracle cannot go on without it. */
export class LeadershipStreamError extends Error {
  /** Why, for programs. */
  readonly code = "leadership-stream-ended" as const;

  /** Makes the error. */
  constructor() {
    super("the driver's leadership stream ended although nobody asked it to: restart the node");
    this.name = "LeadershipStreamError";
  }
}

/** The answer of a driver that lacks the optional methods. */
export function unsupported(what: string): OracleError {
  return new OracleError(
    "unsupported",
    `${what} are not supported by this consensus driver`,
  );
}
