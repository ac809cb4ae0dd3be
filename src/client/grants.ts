// SPDX-License-Identifier: Apache-2.0

import type { Epoch } from "../core/epoch.ts";

/** The limits of one call, as the layers below the public class see them. */
export interface CallContext {
  /** Ends the call, by throwing the signal's reason. */
  readonly signal: AbortSignal;
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

/** A block of one sequence: the ordinals `start` to `start + count - 1`. */
export interface SequenceBlock {
  /** The sequence. */
  readonly key: string;
  /** The first ordinal, 0 to 2^64 - 2. */
  readonly start: bigint;
  /** How many ordinals, as many as were asked for. */
  readonly count: number;
}

/** A block, and the epoch of the leader that granted it. */
export interface SequenceGrant extends SequenceBlock {
  /** The epoch of the leader. */
  readonly epoch: Epoch;
}

/** Blocks taken in one step, and the epoch of the leader that granted them. */
export interface SequenceBatchGrant {
  /** One block for each request, in its order. */
  readonly blocks: readonly SequenceBlock[];
  /** The epoch of the leader. */
  readonly epoch: Epoch;
}

/** A wish for a lease. */
export interface LeaseRequest {
  /** Who asks: 1 to 128 bytes, compared byte by byte. */
  readonly holder: Uint8Array;
  /** The holder's own generation, an unsigned 64-bit number: of two claims the higher one wins. */
  readonly holderEpoch: bigint;
  /** How long the lease lasts without a renewal, in milliseconds. */
  readonly ttlMs: number;
}

/** A lease as its holder sees it. */
export interface LeaseGrant {
  /** Names the lease in renewals and releases. */
  readonly leaseId: number;
  /** The highest physical millisecond that the holder may stamp. */
  readonly boundMs: number;
  /** When the lease ends, in milliseconds since the Unix epoch on the server's clock. */
  readonly expiresAtMs: number;
  /** The epoch of the leader that answers. */
  readonly epoch: Epoch;
}

/** A point in time that a server answers for. */
export interface SafePoint {
  /** Milliseconds since the Unix epoch; 0 from a server that does not lead, which promises nothing. */
  readonly physicalMs: number;
  /** The epoch that answers for it; zero from a server that does not lead. */
  readonly epoch: Epoch;
}
