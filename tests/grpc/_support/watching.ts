// SPDX-License-Identifier: Apache-2.0

import { create, toBinary } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import type { Client } from "@connectrpc/connect";
import { Buffer } from "node:buffer";
import {
  KV,
  TxnResponseSchema,
  Watch,
  WatchResponseSchema,
} from "../../../src/gen/etcdserverpb/rpc_pb.ts";
import { CallDeadlines } from "../../../src/grpc/call_deadlines.ts";
import { CallHeads } from "../../../src/grpc/call_heads.ts";
import { GrpcConnection } from "../../../src/grpc/connection.ts";
import { GrpcTransport } from "../../../src/grpc/grpc_transport.ts";
import { envelope } from "../../../src/grpc/message_reader.ts";
import type { KeepAliveOptions } from "../../../src/grpc/session.ts";
import { UnheldClock } from "../../../src/grpc/unheld_clock.ts";
import { head, trailers } from "../../http2/_support/memory_server.ts";
import { data } from "../../net/_support/h2_frames.ts";

/** The largest message that is accepted in tests, in bytes. */
export const MAX_ANSWER_BYTES = 200_000;

/** A connection with the calls of etcd on it. */
export class Caller implements Disposable {
  readonly connection: GrpcConnection;
  readonly transport: GrpcTransport;
  readonly kv: Client<typeof KV>;
  readonly watch: Client<typeof Watch>;
  readonly #deadlines = new CallDeadlines(new UnheldClock());

  constructor(origin: string, keepAlive: KeepAliveOptions = {}) {
    this.connection = new GrpcConnection({ ...keepAlive, origin, tls: undefined });
    this.transport = new GrpcTransport({
      connection: this.connection,
      heads: new CallHeads(origin),
      deadlines: this.#deadlines,
      maxAnswerBytes: MAX_ANSWER_BYTES,
    });
    this.kv = createClient(KV, this.transport);
    this.watch = createClient(Watch, this.transport);
  }

  [Symbol.dispose](): void {
    this.connection.close();
    this.#deadlines.clear();
  }
}

/** One request for a watch, and an input that stays open until the signal fires. */
export async function* openRequest(signal: AbortSignal) {
  yield { requestUnion: { case: "createRequest" as const, value: { key: Buffer.from("k") } } };
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}

/** An answer of a watch, in its envelope. `reason` makes it as long as one likes. */
export function watched(revision: number, reason = ""): Buffer {
  const message = { header: { revision: BigInt(revision) }, cancelReason: reason };
  return Buffer.from(envelope(toBinary(WatchResponseSchema, create(WatchResponseSchema, message))));
}

/** A whole answer to a transaction. */
export function txnAnswer(
  stream: number,
  response: MessageInitShape<typeof TxnResponseSchema> = { succeeded: true },
): Buffer {
  const message = toBinary(TxnResponseSchema, create(TxnResponseSchema, response));
  return Buffer.concat([head(stream), data(stream, envelope(message)), trailers(stream)]);
}

/** DATA frames of at most so many bytes. */
export function framesWith(stream: number, bytes: Buffer, frameBytes: number): Buffer {
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += frameBytes) {
    frames.push(data(stream, bytes.subarray(at, at + frameBytes)));
  }
  return Buffer.concat(frames);
}
