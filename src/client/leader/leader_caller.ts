// SPDX-License-Identifier: Apache-2.0

import type { Epoch } from "../../core/epoch.ts";
import type { SequenceRequest } from "../../core/sequence.ts";
import type { Ending } from "../calls/call_end.ts";
import { SingleAsker } from "./ask_once.ts";
import { Cluster } from "./cluster.ts";
import {
  acquireQuestion,
  frontierQuestion,
  maxSafeQuestion,
  releaseQuestion,
  renewQuestion,
} from "../calls/control_call.ts";
import { TsoClientError } from "../errors.ts";
import type {
  BatchGrant,
  CallContext,
  LeaseGrant,
  LeaseRequest,
  SafePoint,
  SequenceBatchGrant,
  SequenceGrant,
} from "../grants.ts";
import { DirectAttempt } from "./direct_attempt.ts";
import type { DirectAttemptHost, MadeAttempt } from "./direct_attempt.ts";
import { LeaderSearch } from "./leader_search.ts";
import type { Question } from "../calls/question.ts";
import { endedFromOutside, sequenceQuestion, sequencesQuestion } from "../calls/sequence_call.ts";
import type { SequenceQuestion } from "../calls/sequence_call.ts";
import type { ClientSettings } from "../settings.ts";
import { TimestampQuestion } from "../calls/timestamp_call.ts";
import type { SearchQuestion } from "./verdict.ts";

export type {
  BatchGrant,
  CallContext,
  LeaseGrant,
  LeaseRequest,
  SafePoint,
  SequenceBatchGrant,
  SequenceBlock,
  SequenceGrant,
} from "../grants.ts";

/**
 * Calls the leader of a cluster, wherever it is: finds it, follows hints, repeats what may be repeated, and
 * lets through no answer that goes back behind what was received before. Arguments are checked by its user.
 *
 * Every method throws the reason of the call's signal once that fires, and otherwise a
 * {@linkcode TsoClientError}; a call for ordinals that has sent its request throws a {@linkcode SeqUncertainError}
 * with the reason as its cause.
 */
export class LeaderCaller {
  readonly #cluster: Cluster;
  readonly #asker: SingleAsker;
  readonly #direct: DirectAttemptHost;
  /** The calls under way. */
  readonly #calls = new Set<Ending>();
  #closed = false;

  /** Makes a caller that has no connection yet. */
  constructor(settings: ClientSettings) {
    this.#cluster = new Cluster(settings);
    this.#asker = new SingleAsker(this.#cluster);
    this.#direct = {
      cluster: this.#cluster,
      calls: this.#calls,
      search: ({ question, limits }, made) => this.#search(question, limits, made),
    };
  }

  /** The leader that the next call goes to first, as `host:port`, if one is known. */
  get cachedLeader(): string | undefined {
    return this.#cluster.leaders.leader?.name;
  }

  /**
   * Asks for `count` timestamps; a lost answer is asked for again.
   *
   * @param count 1 to 262144
   * @throws {TsoClientError} if there is no answer within the limits
   */
  getTs(count: number, call: CallContext): Promise<BatchGrant> {
    const question = new TimestampQuestion(this.#cluster, count);
    const attempt = this.#closed
      ? undefined
      : DirectAttempt.make(this.#direct, { question, limits: call });
    return attempt ?? this.#search(question, call);
  }

  /**
   * Asks for a block of one sequence, once.
   *
   * @throws {SeqUncertainError} if the block may be spent
   * @throws {TsoClientError} if it is not
   */
  getSeq(request: SequenceRequest, call: CallContext): Promise<SequenceGrant> {
    return this.#searchOrdinals(sequenceQuestion(this.#cluster, request), call);
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
    return this.#searchOrdinals(sequencesQuestion(this.#cluster, requests), call);
  }

  /** Asks for a lease with a single attempt, as all methods below do. */
  acquireLease(request: LeaseRequest, call: CallContext): Promise<LeaseGrant> {
    return this.#askOnce(acquireQuestion(request), call);
  }

  /** Renews a lease. */
  renewLease(leaseId: number, call: CallContext): Promise<LeaseGrant> {
    return this.#askOnce(renewQuestion(leaseId), call);
  }

  /** Ends a lease. */
  releaseLease(leaseId: number, call: CallContext): Promise<void> {
    return this.#askOnce(releaseQuestion(leaseId), call);
  }

  /** Asks for the safe point: no later grant lies at or below it. */
  currentMaxSafe(call: CallContext): Promise<SafePoint> {
    return this.#askOnce(maxSafeQuestion(), call);
  }

  /** Asks for the smallest bound of all leases. */
  safeFrontier(call: CallContext): Promise<SafePoint> {
    return this.#askOnce(frontierQuestion(), call);
  }

  /** Ends all calls with `closed` and closes the connections. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const call of this.#calls) call.abort(closedError());
    this.#cluster.pool.close();
  }

  #search<T>(
    question: SearchQuestion<T>,
    call: CallContext,
    made?: MadeAttempt<T>,
  ): Promise<T> {
    return this.#within(call, (open) => new LeaderSearch(this.#cluster, question, open).run(made));
  }

  async #searchOrdinals<T extends { readonly epoch: Epoch }>(
    question: SequenceQuestion<T>,
    call: CallContext,
  ): Promise<T> {
    try {
      return await this.#search(question, call);
    } catch (error) {
      throw endedFromOutside(error, question.inDoubt);
    }
  }

  #askOnce<T>(question: Question<T>, call: CallContext): Promise<T> {
    return this.#within(call, (open) => this.#asker.ask(question, open));
  }

  /** Makes a call that both its caller and {@linkcode close} can end. */
  async #within<T>(call: CallContext, run: (open: CallContext) => Promise<T>): Promise<T> {
    const { signal } = call;
    if (this.#closed) throw closedError();
    signal.throwIfAborted();
    const controller = new AbortController();
    const leave = () => controller.abort(signal.reason);
    signal.addEventListener("abort", leave);
    this.#calls.add(controller);
    try {
      return await run({ ...call, signal: controller.signal });
    } finally {
      signal.removeEventListener("abort", leave);
      this.#calls.delete(controller);
    }
  }
}

function closedError(): TsoClientError {
  return new TsoClientError("closed", "Cannot go on: the client was closed; make a new one");
}
