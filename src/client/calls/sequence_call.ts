// SPDX-License-Identifier: Apache-2.0

import { Code } from "@connectrpc/connect";
import type { Epoch } from "../../core/epoch.ts";
import type { SequenceRequest } from "../../core/sequence.ts";
import type { RpcOptions } from "./attempt.ts";
import type { Cluster } from "../leader/cluster.ts";
import { SeqUncertainError } from "../errors.ts";
import type { Fault } from "./fault.ts";
import { describeFault, errorOfFault, statusName } from "./fault_error.ts";
import type { Attempted } from "./fault_error.ts";
import type { SequenceBatchGrant, SequenceGrant } from "../grants.ts";
import { failedVerdict, hintError, saysNotLeader, verdictOnHint } from "../leader/judge.ts";
import type { TsoClientStub } from "../channels/pooled_channel.ts";
import { epochBehind } from "../leader/received.ts";
import type { ReceivedMark } from "../leader/received.ts";
import { readSequence, readSequences } from "./response_check.ts";
import type { SearchQuestion, Verdict } from "../leader/verdict.ts";
import type { NoAnswer } from "../leader/visit.ts";

/** Statuses that say that nothing was spent (behaviour.md 6.7). */
const NOTHING_SPENT: ReadonlySet<Code> = new Set([
  Code.FailedPrecondition,
  Code.InvalidArgument,
  Code.ResourceExhausted,
  Code.Unimplemented,
]);

const WAY_OUT = "the ordinals may be spent: go on, with a gap at worst";

/** Sends a request and reads the answer. */
type Ask<T> = (stub: TsoClientStub, options: RpcOptions) => Promise<T>;

/**
 * A question for ordinals. It is put again only if the one before has certainly spent nothing: it was not
 * sent, or the server does not lead. Any other end without an answer leaves the outcome unknown
 * (behaviour.md 6.7).
 */
export class SequenceQuestion<T extends { readonly epoch: Epoch }> implements SearchQuestion<T> {
  readonly what = "get ordinals";
  readonly dialFirst = true;
  readonly #ask: Ask<T>;
  readonly #cluster: Cluster;
  #inDoubt = false;

  /** Makes a question that is sent by `ask`. */
  constructor(cluster: Cluster, ask: Ask<T>) {
    this.#cluster = cluster;
    this.#ask = ask;
  }

  /** Whether a request is under way, or ended in a way that tells nothing. */
  get inDoubt(): boolean {
    return this.#inDoubt;
  }

  /** Sends the request. */
  ask(stub: TsoClientStub, options: RpcOptions): Promise<T> {
    this.#inDoubt = true;
    return this.#ask(stub, options);
  }

  /** Always there. */
  epochOf(grant: T): Epoch {
    return grant.epoch;
  }

  /** Compares the epoch; ordinals of other sequences are not comparable. */
  behind(grant: T, mark: ReceivedMark): string | undefined {
    return epochBehind(grant.epoch, mark);
  }

  /** Ordinals leave no note. */
  note(): void {}

  /** Follows what is certain. */
  judge(outcome: NoAnswer, attempted: Attempted): Verdict {
    if (outcome.kind === "refused") {
      const { message, endpoint } = outcome.error;
      const text = `${message}; ${WAY_OUT}`;
      return final(new SeqUncertainError(text, { endpoint, cause: outcome.error }));
    }
    const { fault } = outcome;
    if (!spentNothing(fault)) return final(uncertain(fault, attempted));
    this.#inDoubt = false;
    if (fault.kind === "not-sent") return failedVerdict(fault, attempted);
    if (saysNotLeader(fault)) return this.#askElsewhere(fault, attempted);
    return final(errorOfFault(fault, attempted));
  }

  #askElsewhere(fault: Fault, attempted: Attempted): Verdict {
    const hint = this.#cluster.readHint(fault.metadata);
    if (hint.kind !== "unusable") return verdictOnHint(hint);
    return final(hintError(fault, { ...attempted, why: hint.why }));
  }
}

/** What a call throws that was ended from outside, by the caller's signal or by closing the client. */
export function endedFromOutside(error: unknown, inDoubt: boolean): unknown {
  if (!inDoubt || error instanceof SeqUncertainError) return error;
  const why = error instanceof Error ? error.message : String(error);
  const text =
    `Cannot get ordinals: the call was ended after its request had left: ${why}; ${WAY_OUT}`;
  return new SeqUncertainError(text, { cause: error });
}

/** The question for a block of one sequence. */
export function sequenceQuestion(
  cluster: Cluster,
  request: SequenceRequest,
): SequenceQuestion<SequenceGrant> {
  const { key, count } = request;
  return new SequenceQuestion(
    cluster,
    async (stub, options) => readSequence(await stub.getSeq({ key, count }, options), request),
  );
}

/** The question for a block of each of several sequences. */
export function sequencesQuestion(
  cluster: Cluster,
  requests: readonly SequenceRequest[],
): SequenceQuestion<SequenceBatchGrant> {
  const entries = requests.map(({ key, count }) => ({ key, count }));
  return new SequenceQuestion(
    cluster,
    async (stub, options) => readSequences(await stub.getSeqBatch({ entries }, options), requests),
  );
}

function spentNothing({ kind, code, isCertain }: Fault): boolean {
  return (kind === "not-sent" && isCertain) || (kind === "status" && NOTHING_SPENT.has(code));
}

function final(error: Error): Verdict {
  return { kind: "final", error };
}

function uncertain(fault: Fault, { what, address }: Attempted): SeqUncertainError {
  const { kind, code, cause } = fault;
  const text = `Cannot ${what}: ${describeFault(fault, address)}; ${WAY_OUT}`;
  const status = kind === "status" ? statusName(code) : undefined;
  return new SeqUncertainError(text, { endpoint: address.name, status, cause });
}
