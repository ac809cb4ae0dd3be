// SPDX-License-Identifier: Apache-2.0

import { SystemClock } from "../../clock/system_clock.ts";
import { deferred } from "../../core/deferred.ts";
import { TsoService } from "../../gen/tsoracle/v1/tso_pb.ts";
import { AttemptTimeoutError } from "../calls/fault.ts";
import type { Ending } from "../calls/call_end.ts";
import type { TimestampQuestion } from "../calls/timestamp_call.ts";
import type { Cancellable, DirectCall } from "../channels/direct_calls.ts";
import type { PooledChannel } from "../channels/pooled_channel.ts";
import type { BatchGrant, CallContext } from "../grants.ts";
import type { Cluster } from "./cluster.ts";
import type { EndpointAddress } from "./endpoint_address.ts";
import type { ReceivedMark } from "./received.ts";
import { Visitor } from "./visit.ts";
import type { Visited } from "./visit.ts";

/** An attempt that was made before the search for the leader begins. */
export interface MadeAttempt<T> {
  /** Who was asked. */
  readonly address: EndpointAddress;
  /** Takes note of what came of it. To be called once, when the search knows whom else to ask. */
  readonly outcome: () => Visited<T>;
}

/** A call for timestamps. */
export interface TimestampCall {
  /** What is asked. */
  readonly question: TimestampQuestion;
  /** The limits of the whole call. */
  readonly limits: CallContext;
}

/** Where a {@linkcode DirectAttempt} is made. */
export interface DirectAttemptHost {
  /** The cluster. */
  readonly cluster: Cluster;
  /** The calls under way, which it joins until its end. */
  readonly calls: Set<Ending>;
  /** Goes on at once with a call whose first attempt had no answer. */
  search(call: TimestampCall, made: MadeAttempt<BatchGrant>): Promise<BatchGrant>;
}

/**
 * The first attempt of a call for timestamps where all is as usual: the leader is known, and the connection to it
 * lives. It is the visit of a search, without what only a search needs that goes on: signals, timers and lists. Where
 * there is no answer, the search begins with it.
 */
export class DirectAttempt implements DirectCall, Ending {
  readonly method = TsoService.method.getTs;
  readonly message: Uint8Array;
  readonly timeoutMs: number;
  readonly #host: DirectAttemptHost;
  readonly #call: TimestampCall;
  readonly #visitor: Visitor<BatchGrant>;
  readonly #channel: PooledChannel;
  readonly #mark: ReceivedMark;
  readonly #startMs: number;
  readonly #answer = deferred<BatchGrant>();
  #request: Cancellable | undefined;
  #isOver = false;

  /**
   * Makes the attempt, unless something is not as usual.
   *
   * @returns the answer of the whole call
   */
  static make(host: DirectAttemptHost, call: TimestampCall): Promise<BatchGrant> | undefined {
    const channel = call.limits.end && findChannel(host.cluster);
    return channel && new DirectAttempt(host, call, channel).#begin();
  }

  private constructor(host: DirectAttemptHost, call: TimestampCall, channel: PooledChannel) {
    const { cluster } = host;
    const { question, limits } = call;
    const { clock, retry } = cluster.settings;
    this.#host = host;
    this.#call = call;
    this.#channel = channel;
    this.#visitor = new Visitor(cluster, question);
    this.#mark = cluster.received.mark;
    this.#startMs = clock.monotonicMs();
    this.message = question.message;
    this.timeoutMs = Math.min(retry.attemptTimeoutMs, limits.timeoutMs);
  }

  /** Ends the call. Nobody knows of it any more once it has settled. */
  abort(reason: unknown): void {
    this.#settle();
    this.#request?.cancel();
    this.#visitor.givenUp(this.#channel);
    this.#leave();
    this.#answer.reject(reason);
  }

  onAnswer(message: Uint8Array): void {
    const { question } = this.#call;
    let grant: BatchGrant;
    try {
      grant = question.read(message);
    } catch (error) {
      return this.onFault(error);
    }
    if (question.behind(grant, this.#mark) !== undefined) {
      return this.#search(() => this.#visitor.hear(this.#channel, grant, this.#mark));
    }
    this.#visitor.hear(this.#channel, grant, this.#mark);
    this.#settle();
    this.#leave();
    this.#host.cluster.skipWorklist();
    this.#answer.resolve(grant);
  }

  onFault(error: unknown): void {
    this.#search(() => this.#visitor.failed(this.#channel, error));
  }

  onLate(): void {
    this.onFault(new AttemptTimeoutError(this.timeoutMs));
  }

  #begin(): Promise<BatchGrant> {
    this.#host.calls.add(this);
    this.#call.limits.end?.listen(this);
    this.#channel.enter(this.#startMs);
    this.#request = this.#channel.direct?.begin(this);
    return this.#answer.promise;
  }

  #search(outcome: () => Visited<BatchGrant>): void {
    if (this.#isOver) return;
    this.#settle();
    const { question, limits: { signal, onFault, timeoutMs } } = this.#call;
    const restMs = timeoutMs - (this.#nowMs() - this.#startMs);
    const limits = { signal, timeoutMs: restMs, ...(onFault && { onFault }) };
    const made = { address: this.#channel.address, outcome };
    const answer = this.#host.search({ question, limits }, made);
    this.#leave();
    this.#answer.resolve(answer);
  }

  #settle(): void {
    this.#isOver = true;
    this.#call.limits.end?.listen(undefined);
    this.#host.calls.delete(this);
  }

  #leave(): void {
    this.#channel.leave(this.#nowMs());
  }

  #nowMs(): number {
    return this.#host.cluster.settings.clock.monotonicMs();
  }
}

/** Direct calls are timed by the system. A clock of the user's own has to time its attempts itself. */
function findChannel({ avoided, leaders, pool, settings }: Cluster): PooledChannel | undefined {
  if (!(settings.clock instanceof SystemClock)) return undefined;
  const { leader } = leaders;
  if (leader === undefined || avoided.has(leader)) return undefined;
  const channel = pool.find(leader);
  return channel?.direct?.isReady ? channel : undefined;
}
