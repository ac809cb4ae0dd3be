// SPDX-License-Identifier: Apache-2.0

export type { LeaseGrant, LeaseRequest } from "../core/lease_table.ts";
export type { SequenceBatchGrant, SequenceBlock, SequenceGrant } from "../core/sequence.ts";
import type { Epoch } from "../core/epoch.ts";
import type { CallEnd } from "./calls/call_end.ts";

/** The limits of one call, as the layers below the public class see them. */
export interface CallContext {
  /** Ends the call, by throwing the signal's reason. */
  readonly signal: AbortSignal;
  /** What `signal` fires for, if the call can also be ended without it. */
  readonly end?: CallEnd;
  /** The longest the call may take in all, in milliseconds. */
  readonly timeoutMs: number;
  /** Told of each attempt that failed, for the error of those who leave before the call has ended. */
  readonly onFault?: (error: unknown) => void;
}

/** The timestamps (physicalMs, logicalStart) to (physicalMs, logicalStart + count - 1). */
export interface BatchGrant {
  /** Milliseconds since the Unix epoch, below 2^46. */
  readonly physicalMs: number;
  /** The first logical counter, 0 to 2^18 - 1. */
  readonly logicalStart: number;
  /** How many, as many as were asked for. */
  readonly count: number;
  /** The epoch of the leader that granted them. */
  readonly epoch: Epoch;
}

/** A point in time that a server answers for. */
export interface SafePoint {
  /** Milliseconds since the Unix epoch; 0 from a server that does not lead, which promises nothing. */
  readonly physicalMs: number;
  /** The epoch that answers for it; zero from a server that does not lead. */
  readonly epoch: Epoch;
}
