// SPDX-License-Identifier: Apache-2.0

import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, encodeBinaryHeader } from "@connectrpc/connect";
import { abortable } from "../../../src/core/abortable.ts";
import type { Grant } from "../../../src/core/allocator.ts";
import { epochToHalves } from "../../../src/core/epoch.ts";
import { LeaderHintSchema } from "../../../src/gen/tsoracle/v1/tso_pb.ts";
import type { ServableOracle } from "../../../src/net/servable.ts";
import { LEADER_HINT_KEY } from "../../../src/rpc/leader_hint.ts";
import type { LeaseSource, SequenceSource } from "../../../src/rpc/timestamp_source.ts";
import type { CallOptions } from "../../../src/server/call_options.ts";
import type { Oracle } from "../../../src/server/oracle.ts";
import type { OpenArrival } from "./call_log.ts";
import type { Hint, Method, ServerPlan, Step } from "./script.ts";

const CODES = {
  "unavailable": Code.Unavailable,
  "internal": Code.Internal,
  "resource-exhausted": Code.ResourceExhausted,
} as const;

/** Enough for the head of an answer, and too little for its body. */
const MIDWAY_BYTES = 20;

/** What a scripted oracle needs of its cluster. */
export interface ClusterView {
  /** The oracle behind all servers. */
  readonly oracle: Oracle;
  /** What this server knows of the leader; `undefined` if it leads itself. */
  leaderHint(): Hint | undefined;
  /** The address of a server of the cluster. */
  addressOf(server: number): string;
  /** Notes a call. */
  arrive(method: Method, count: number): OpenArrival;
  /** Cuts the connections of this server, after so many further bytes of answers. */
  sever(afterBytes: number): void;
}

/** A call that is being played. */
interface Played<T> {
  readonly method: Method;
  readonly count: number;
  readonly signal: AbortSignal | undefined;
  /** What the leader does. */
  readonly lead: () => T | Promise<T>;
}

/** The oracle of one server of a cluster: it does with each call what its script says. */
export class ScriptedOracle implements ServableOracle {
  readonly finished: ServableOracle["finished"];
  readonly sequences: SequenceSource;
  readonly leases: LeaseSource;
  readonly #cluster: ClusterView;
  readonly #plan: ServerPlan;
  readonly #gate = Promise.withResolvers<void>();
  #calls = 0;

  /** Makes the oracle of a server that begins its script. */
  constructor(cluster: ClusterView, plan: ServerPlan) {
    this.#cluster = cluster;
    this.#plan = plan;
    this.finished = cluster.oracle.finished;
    this.sequences = this.#sequences();
    this.leases = this.#leases();
  }

  get isServing(): boolean {
    return this.#cluster.oracle.isServing;
  }

  /** Never that it serves, so that `serve` takes nothing back: a script may hold an answer over a change of leader. */
  get state(): ServableOracle["state"] {
    return { kind: "not-serving" };
  }

  watchState(options: { readonly signal: AbortSignal }): ReturnType<Oracle["watchState"]> {
    return this.#cluster.oracle.watchState(options);
  }

  /** Lets held answers go, and holds none from here on. */
  release(): void {
    this.#gate.resolve();
  }

  currentMaxSafe(): ReturnType<Oracle["currentMaxSafe"]> {
    return this.#cluster.oracle.currentMaxSafe();
  }

  getTs(count: number, { signal }: CallOptions = {}): Promise<Grant> {
    const { oracle } = this.#cluster;
    return this.#play({
      method: "getTs",
      count,
      signal,
      lead: () => oracle.getTs(count, { signal }),
    });
  }

  #sequences(): SequenceSource {
    const { oracle: { sequences } } = this.#cluster;
    return {
      take: (request, options = {}) =>
        this.#play({
          method: "getSeq",
          count: request.count,
          signal: options.signal,
          lead: () => sequences.take(request, options),
        }),
      takeBatch: (requests, options = {}) =>
        this.#play({
          method: "getSeqBatch",
          count: requests.reduce((sum, { count }) => sum + count, 0),
          signal: options.signal,
          lead: () => sequences.takeBatch(requests, options),
        }),
    };
  }

  #leases(): LeaseSource {
    const { oracle: { leases } } = this.#cluster;
    const play = <T>(method: Method, options: CallOptions, lead: () => Promise<T>) =>
      this.#play({ method, count: 0, signal: options.signal, lead });
    return {
      acquire: (request, options = {}) =>
        play("acquireLease", options, () => leases.acquire(request, options)),
      renew: (leaseId, options = {}) =>
        play("renewLease", options, () => leases.renew(leaseId, options)),
      release: (leaseId, options = {}) =>
        play("releaseLease", options, () => leases.release(leaseId, options)),
      frontier: () => leases.frontier(),
    };
  }

  async #play<T>(call: Played<T>): Promise<T> {
    const { method, count } = call;
    const arrival = this.#cluster.arrive(method, count);
    const step = this.#plan.script?.[this.#calls] ?? this.#plan.then ?? { do: "by-role" };
    this.#calls += 1;
    const outcome = await this.#perform(step, call);
    if (isGrant(outcome)) arrival.grant(outcome);
    if ("hold" in step && step.hold === "after-grant") await this.#pass(call.signal);
    return outcome;
  }

  async #perform<T>(step: Step, call: Played<T>): Promise<T> {
    if ("hold" in step && step.hold === "before-grant") await this.#pass(call.signal);
    switch (step.do) {
      case "by-role": {
        const hint = this.#cluster.leaderHint();
        if (hint !== undefined) throw this.#notLeader(hint);
        return await call.lead();
      }
      case "lead":
        return withSurplus(await call.lead(), step.surplus ?? 0);
      case "grant":
        return { ...step, kind: "granted", count: call.count, epoch: BigInt(step.epoch) } as T;
      case "not-leader":
        throw this.#notLeader(step.hint);
      case "fail":
        throw new ConnectError(`scripted: ${step.code}`, CODES[step.code]);
      case "silence":
        return await forever(call.signal);
      case "cut":
        return await this.#cut(step.when, call);
    }
  }

  async #cut<T>(when: "before" | "midway", call: Played<T>): Promise<T> {
    const outcome = await call.lead();
    this.#cluster.sever(when === "before" ? 0 : MIDWAY_BYTES);
    return outcome;
  }

  #pass(signal: AbortSignal | undefined): Promise<void> {
    const { promise } = this.#gate;
    return signal === undefined ? promise : abortable(promise, signal);
  }

  #notLeader(hint: Hint): ConnectError {
    const bytes = this.#bytesOf(hint);
    const metadata = bytes && { [LEADER_HINT_KEY]: encodeBinaryHeader(bytes) };
    return new ConnectError("not leader", Code.FailedPrecondition, metadata);
  }

  #bytesOf(hint: Hint): Uint8Array | undefined {
    switch (hint.kind) {
      case "absent":
        return undefined;
      case "empty":
        return new Uint8Array();
      case "bytes":
        return Uint8Array.fromHex(hint.hex);
      case "endpoint":
        return hintBytes(hint.endpoint, hint.epoch);
      case "server":
        return hintBytes(this.#cluster.addressOf(hint.server), hint.epoch);
    }
  }
}

function hintBytes(leaderEndpoint: string, epoch: string | undefined): Uint8Array {
  const message = create(LeaderHintSchema, { leaderEndpoint });
  if (epoch !== undefined) {
    message.leaderEpoch = { $typeName: "tsoracle.v1.EpochWire", ...epochToHalves(BigInt(epoch)) };
  }
  return toBinary(LeaderHintSchema, message);
}

function isGrant(outcome: unknown): outcome is Grant {
  return typeof outcome === "object" && outcome !== null && "kind" in outcome &&
    outcome.kind === "granted";
}

function withSurplus<T>(outcome: T, surplus: number): T {
  if (surplus === 0 || !isGrant(outcome)) return outcome;
  return { ...outcome, count: outcome.count + surplus };
}

function forever(signal: AbortSignal | undefined): Promise<never> {
  const never = new Promise<never>(() => {});
  return signal === undefined ? never : abortable(never, signal);
}
