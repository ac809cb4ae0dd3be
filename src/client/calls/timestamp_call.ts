// SPDX-License-Identifier: Apache-2.0

import { create, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import type { Epoch } from "../../core/epoch.ts";
import { GetTsRequestSchema } from "../../gen/tsoracle/v1/tso_pb.ts";
import type { RpcOptions } from "./attempt.ts";
import type { Cluster } from "../leader/cluster.ts";
import type { Attempted } from "./fault_error.ts";
import type { BatchGrant } from "../grants.ts";
import { failedVerdict, hintError, verdictOnHint } from "../leader/judge.ts";
import type { TsoClientStub } from "../channels/pooled_channel.ts";
import { timestampsBehind } from "../leader/received.ts";
import type { ReceivedMark } from "../leader/received.ts";
import { readTimestamps } from "./response_check.ts";
import type { SearchQuestion, Verdict } from "../leader/verdict.ts";
import type { NoAnswer } from "../leader/visit.ts";

/**
 * The question for timestamps. It may be repeated freely: a grant whose answer was lost is wasted, and
 * nothing else (behaviour.md 6.5).
 */
export class TimestampQuestion implements SearchQuestion<BatchGrant> {
  readonly what = "get timestamps";
  readonly dialFirst = false;
  readonly #cluster: Cluster;
  readonly #count: number;

  /** Makes a question for `count` timestamps, 1 to 262144. */
  constructor(cluster: Cluster, count: number) {
    this.#cluster = cluster;
    this.#count = count;
  }

  /** Sends GetTs. */
  async ask(stub: TsoClientStub, options: RpcOptions): Promise<BatchGrant> {
    return readTimestamps(await stub.getTs({ count: this.#count }, options), this.#count);
  }

  /** The request, encoded; the same object as the last time if it is the same. */
  get message(): Uint8Array {
    if (this.#count !== encoded.count) encoded = encode(this.#count);
    return encoded.message;
  }

  /**
   * Reads an encoded answer.
   *
   * @throws {ConnectError} if it is no message
   * @throws {BadAnswerError} if the answer breaks the protocol
   */
  read(message: Uint8Array): BatchGrant {
    return this.#cluster.answers.read(message, this.#count);
  }

  /** Always there. */
  epochOf(grant: BatchGrant): Epoch {
    return grant.epoch;
  }

  /** Compares both the timestamps and the epoch. */
  behind(grant: BatchGrant, mark: ReceivedMark): string | undefined {
    return timestampsBehind(grant, mark);
  }

  /** Raises the highest timestamp. */
  note(grant: BatchGrant): void {
    this.#cluster.received.noteTimestamps(grant);
  }

  /** For timestamps no other precondition can fail than to lead. */
  judge(outcome: NoAnswer, attempted: Attempted): Verdict {
    if (outcome.kind === "refused") {
      return { kind: "failed", error: outcome.error, reason: "decode_error", passing: false };
    }
    const { fault } = outcome;
    const { kind, code, metadata } = fault;
    if (kind !== "status" || code !== Code.FailedPrecondition) {
      return failedVerdict(fault, attempted);
    }
    const hint = this.#cluster.readHint(metadata);
    if (hint.kind !== "unusable") return verdictOnHint(hint);
    return { kind: "passed", error: hintError(fault, { ...attempted, why: hint.why }) };
  }
}

/** The last request: a lone caller repeats itself. */
let encoded = encode(1);

function encode(count: number): { readonly count: number; readonly message: Uint8Array } {
  return { count, message: toBinary(GetTsRequestSchema, create(GetTsRequestSchema, { count })) };
}
