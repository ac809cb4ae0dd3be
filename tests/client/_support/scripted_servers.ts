// SPDX-License-Identifier: Apache-2.0

import { create, toBinary } from "@bufbuild/protobuf";
import type { DescMessage, DescMethodUnary, MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, encodeBinaryHeader } from "@connectrpc/connect";
import type {
  Channel,
  ChannelTarget,
  ConnectTransport,
} from "../../../src/client/channels/channel.ts";
import { LEADER_HINT_KEY } from "../../../src/client/leader/hint.ts";
import { LeaderHintSchema } from "../../../src/gen/tsoracle/v1/tso_pb.ts";
import type { GetTsRequest } from "../../../src/gen/tsoracle/v1/tso_pb.ts";

/** A call that came to a scripted server. */
export interface ScriptedCall {
  /** The server, as `host:port`. */
  readonly name: string;
  /** The method, such as `getTs`. */
  readonly method: string;
  /** The request. */
  readonly request: Readonly<Record<string, unknown>>;
  /** The deadline that came with it. */
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Answers a call with the fields of a response, or throws. */
export type Script = (call: ScriptedCall) => unknown;

/** Servers in memory, each with a script, and all that happened to them. */
export class ScriptedServers {
  /** Every call, in the order of arrival. */
  readonly calls: ScriptedCall[] = [];
  /** Every channel that was opened. */
  readonly opened: ChannelTarget[] = [];
  /** The origin of every channel that was closed. */
  readonly closed: string[] = [];
  readonly #scripts = new Map<string, Script>();

  /** Gives a server its script; a server without one cannot be connected to. */
  on(name: string, script: Script): this {
    this.#scripts.set(name, script);
    return this;
  }

  /** The servers that were asked, in order. */
  get asked(): readonly string[] {
    return this.calls.map(({ name }) => name);
  }

  /** Opens channels to them. */
  readonly connect = (target: ChannelTarget): Channel => {
    this.opened.push(target);
    const name = target.origin.replace(/^https?:\/\//, "");
    const transport = {
      unary: (...call: Parameters<Unary>) => this.#unary(name, call),
      stream: () => Promise.reject(new Error("there are no streams")),
    };
    return {
      transport: transport as unknown as ConnectTransport,
      sendsOnce: true,
      close: () => void this.closed.push(target.origin),
    };
  };

  async #unary(name: string, [method, signal, timeoutMs, , input]: Parameters<Unary>) {
    const script = this.#scripts.get(name) ?? refuseConnection;
    const request = input as Readonly<Record<string, unknown>>;
    const call = { name, method: method.localName, request, timeoutMs, signal };
    this.calls.push(call);
    const fields = await script(call) as MessageInitShape<DescMessage>;
    const message = create(method.output, fields);
    return {
      stream: false,
      service: method.parent,
      method,
      message,
      header: new Headers(),
      trailer: new Headers(),
    };
  }
}

type Unary = (
  method: DescMethodUnary,
  signal: AbortSignal | undefined,
  timeoutMs: number | undefined,
  header: unknown,
  input: unknown,
) => Promise<unknown>;

/** A status as a gRPC server sends it. */
export function status(code: Code, text = "no", metadata: HeadersInit = {}): ConnectError {
  const headers = new Headers(metadata);
  headers.set("grpc-status", String(code));
  return new ConnectError(text, code, headers);
}

/** A hint as it is made by a server. */
export interface Hint {
  readonly endpoint?: string;
  readonly epoch?: bigint;
}

/** The base64 text of a hint. */
export function hintText(hint: Hint): string {
  const message = create(LeaderHintSchema);
  if (hint.endpoint !== undefined) message.leaderEndpoint = hint.endpoint;
  if (hint.epoch !== undefined) {
    const { epoch } = hint;
    message.leaderEpoch = {
      $typeName: "tsoracle.v1.EpochWire",
      hi: epoch >> 64n,
      lo: epoch & ((1n << 64n) - 1n),
    };
  }
  return encodeBinaryHeader(toBinary(LeaderHintSchema, message));
}

/** A not-leader answer: with a hint, with a trailer of this text, or without a trailer. */
export function notLeader(hint?: Hint | string): ConnectError {
  if (hint === undefined) return status(Code.FailedPrecondition, "not leader");
  const text = typeof hint === "string" ? hint : hintText(hint);
  return status(Code.FailedPrecondition, "not leader", { [LEADER_HINT_KEY]: text });
}

/** A connection that nobody accepts, as Node tells it. */
export function refuseConnection(): never {
  const cause = Object.assign(new Error("connect ECONNREFUSED"), {
    code: "ECONNREFUSED",
    syscall: "connect",
  });
  throw new ConnectError(cause.message, Code.Unavailable, undefined, undefined, cause);
}

/** A connection that ends under way, as Node tells it. */
export function resetConnection(): never {
  const cause = Object.assign(new Error("read ECONNRESET"), {
    code: "ECONNRESET",
    syscall: "read",
  });
  throw new ConnectError(cause.message, Code.Aborted, undefined, undefined, cause);
}

/** Never answers, and does not even hear that the caller has gone. */
export function silent(): Promise<never> {
  return new Promise(() => {});
}

/** A leader that grants from one counter. */
export function leaderOf(epoch: bigint, firstMs = 1_000): Script {
  let physicalMs = firstMs;
  return ({ request }) => {
    const { count } = request as unknown as GetTsRequest;
    return grant({ physicalMs: physicalMs++, count, epoch });
  };
}

/** The fields of an answer of GetTs. */
export function grant(
  block: { physicalMs: number; logicalStart?: number; count: number; epoch?: bigint },
) {
  const { physicalMs, logicalStart = 0, count, epoch = 1n } = block;
  const epochLo = epoch & ((1n << 64n) - 1n);
  return { physicalMs: BigInt(physicalMs), logicalStart, count, epochHi: epoch >> 64n, epochLo };
}

/** Plays scripts one after the other; the last one goes on for ever. */
export function inTurn(...scripts: readonly Script[]): Script {
  let turn = 0;
  return (call) => scripts[Math.min(turn++, scripts.length - 1)]?.(call);
}

/** A script that throws. */
export function failing(error: () => unknown): Script {
  return () => {
    throw error();
  };
}
