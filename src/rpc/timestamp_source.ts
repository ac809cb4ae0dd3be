// SPDX-License-Identifier: Apache-2.0

import type { Grant } from "../core/allocator.ts";
import type { LeaseGrant, LeaseRequest } from "../core/lease_table.ts";
import type { SafeFrontier } from "../server/leases.ts";
import type { MaxSafe } from "../server/oracle.ts";
import type { CallOptions } from "../server/call_options.ts";
import type { SequenceBatchGrant, SequenceGrant, SequenceRequest } from "../core/sequence.ts";

/** The part of `Sequences` that the service calls. Each rejects with an `OracleError` if nothing was granted. */
export interface SequenceSource {
  /** Takes a block of one sequence. */
  take(request: SequenceRequest, options?: CallOptions): Promise<SequenceGrant>;
  /** Takes a block of each of several sequences, or of none. */
  takeBatch(
    requests: readonly SequenceRequest[],
    options?: CallOptions,
  ): Promise<SequenceBatchGrant>;
}

/** The part of `Leases` that the service calls. Each rejects with an `OracleError` if nothing was done. */
export interface LeaseSource {
  /** Grants a lease. */
  acquire(request: LeaseRequest, options?: CallOptions): Promise<LeaseGrant>;
  /** Extends a lease. */
  renew(leaseId: number, options?: CallOptions): Promise<LeaseGrant>;
  /** Ends a lease. */
  release(leaseId: number, options?: CallOptions): Promise<void>;
  /** The frontier of all leases; zero on a node that does not lead. */
  frontier(): SafeFrontier;
}

/** The part of an `Oracle` that the service calls. */
export interface TimestampSource {
  /**
   * Grants timestamps: at once while the window has room, otherwise by a promise.
   *
   * @throws {OracleError} if nothing was granted
   */
  getTs(count: number, options?: CallOptions): Grant | Promise<Grant>;

  /**
   * Grants timestamps if that needs no wait and no refusal; otherwise nothing has happened. A source without it, or one
   * that replaces `getTs` and not this, has no fast lane.
   *
   * @param nowMs a sample of `wallMs` that was taken after the call had come; by default one is taken
   */
  getTsNow?(count: number, nowMs?: number): Grant | undefined;

  /** The wall clock that grants follow, in milliseconds. A source without it has each call take a sample of its own. */
  wallMs?(): number;

  /** The safe point; zero on a node that does not lead. */
  currentMaxSafe(): MaxSafe;

  /** Gapless counters. */
  readonly sequences: SequenceSource;

  /** Leases. */
  readonly leases: LeaseSource;
}
