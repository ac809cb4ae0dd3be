// SPDX-License-Identifier: Apache-2.0

import type { Epoch } from "../../core/epoch.ts";
import type { RpcOptions } from "./attempt.ts";
import type { LeaseGrant, LeaseRequest, SafePoint } from "../grants.ts";
import type { TsoClientStub } from "../channels/pooled_channel.ts";
import type { Question } from "./question.ts";
import { epochBehind } from "../leader/received.ts";
import type { ReceivedMark } from "../leader/received.ts";
import { readLease, readSafePoint } from "./response_check.ts";

/** How a control call is sent, and what its answer says about the leader. */
export interface ControlQuestionOptions<T> {
  /** What the caller wants, for the middle of a sentence. */
  readonly what: string;
  /** Sends the request and reads the answer. */
  readonly ask: (stub: TsoClientStub, options: RpcOptions) => Promise<T>;
  /** The epoch of an answer that only the leader gives; absent if any server answers. */
  readonly epochOf?: (answer: T) => Epoch;
}

/** A question with a single attempt (behaviour.md 6.8). */
export class ControlQuestion<T> implements Question<T> {
  readonly what: string;
  readonly dialFirst = false;
  readonly ask: (stub: TsoClientStub, options: RpcOptions) => Promise<T>;
  readonly #epochOf: ((answer: T) => Epoch) | undefined;

  /** Makes a question. */
  constructor(options: ControlQuestionOptions<T>) {
    this.what = options.what;
    this.ask = options.ask;
    this.#epochOf = options.epochOf;
  }

  /** The epoch of the leader that answered, if only the leader answers. */
  epochOf(answer: T): Epoch | undefined {
    return this.#epochOf?.(answer);
  }

  /** Compares the epoch, if there is one. */
  behind(answer: T, mark: ReceivedMark): string | undefined {
    const epoch = this.epochOf(answer);
    return epoch === undefined ? undefined : epochBehind(epoch, mark);
  }

  /** Nothing beyond the epoch. */
  note(): void {}
}

/** Asks for a lease. The same holder and epoch get the same lease again. */
export function acquireQuestion(request: LeaseRequest): ControlQuestion<LeaseGrant> {
  const { holder, holderEpoch, ttlMs } = request;
  const message = { holder: Uint8Array.from(holder), holderEpoch, ttlMs: BigInt(ttlMs) };
  return new ControlQuestion({
    what: "acquire a lease",
    epochOf: (lease) => lease.epoch,
    ask: async (stub, options) => {
      const answer = await stub.acquireLease(message, options);
      return readLease(answer.leaseId, answer);
    },
  });
}

/** Renews a lease. */
export function renewQuestion(leaseId: number): ControlQuestion<LeaseGrant> {
  const id = BigInt(leaseId);
  return new ControlQuestion({
    what: `renew lease ${leaseId}`,
    epochOf: (lease) => lease.epoch,
    ask: async (stub, options) => readLease(id, await stub.renewLease({ leaseId: id }, options)),
  });
}

/** Ends a lease. The answer has no epoch, and so tells nothing about the leader. */
export function releaseQuestion(leaseId: number): ControlQuestion<void> {
  return new ControlQuestion({
    what: `release lease ${leaseId}`,
    ask: async (stub, options) => {
      await stub.releaseLease({ leaseId: BigInt(leaseId) }, options);
    },
  });
}

/** Asks for the safe point of any server. */
export function maxSafeQuestion(): ControlQuestion<SafePoint> {
  return new ControlQuestion({
    what: "get the safe point",
    ask: async (stub, options) => {
      const answer = await stub.getCurrentMaxSafe({}, options);
      return readSafePoint(answer.maxSafePhysicalMs, answer);
    },
  });
}

/** Asks for the frontier of any server. */
export function frontierQuestion(): ControlQuestion<SafePoint> {
  return new ControlQuestion({
    what: "get the safe frontier",
    ask: async (stub, options) => {
      const answer = await stub.getSafeFrontier({}, options);
      return readSafePoint(answer.frontierPhysicalMs, answer);
    },
  });
}
