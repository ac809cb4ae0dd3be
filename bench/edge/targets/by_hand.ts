// SPDX-License-Identifier: Apache-2.0

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Buffer } from "node:buffer";
import type { OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { createServer } from "node:http2";
import { epochToHalves } from "../../../src/core/epoch.ts";
import { GetTsRequestSchema, GetTsResponseSchema } from "../../../src/gen/tsoracle/v1/tso_pb.ts";
import type { Grant, Oracle } from "../../../src/server/mod.ts";
import { listenOnLoopback } from "./listen.ts";

const FRAME_HEADER_BYTES = 5;
const UNAVAILABLE = "14";
const HEADERS: OutgoingHttpHeaders = { ":status": 200, "content-type": "application/grpc+proto" };

/**
 * GetTs written by hand on the streams of `node:http2`: it decodes the request, asks the oracle, encodes the answer and
 * sends trailers, and has none of the checks that a real server needs.
 */
export function serveByHand(oracle: Oracle): Promise<number> {
  const server = createServer();
  server.on("stream", (stream: ServerHttp2Stream) => {
    const chunks: Buffer[] = [];
    stream.on("error", () => stream.destroy());
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => answer(stream, oracle, Buffer.concat(chunks)));
  });
  return listenOnLoopback(server);
}

function answer(stream: ServerHttp2Stream, oracle: Oracle, body: Buffer): void {
  try {
    const { count } = fromBinary(GetTsRequestSchema, body.subarray(FRAME_HEADER_BYTES));
    const grant = oracle.getTs(count);
    if (!(grant instanceof Promise)) return send(stream, grant);
    grant.then((later) => send(stream, later)).catch(() => refuse(stream));
  } catch {
    refuse(stream);
  }
}

function send(stream: ServerHttp2Stream, grant: Grant): void {
  if (stream.destroyed) return;
  stream.respond(HEADERS, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(answerFrame(grant));
}

function refuse(stream: ServerHttp2Stream): void {
  if (!stream.destroyed) {
    stream.respond({ ...HEADERS, "grpc-status": UNAVAILABLE }, { endStream: true });
  }
}

function answerFrame({ physicalMs, logicalStart, count, epoch }: Grant): Buffer {
  const { hi, lo } = epochToHalves(epoch);
  const message = toBinary(
    GetTsResponseSchema,
    create(GetTsResponseSchema, {
      physicalMs: BigInt(physicalMs),
      logicalStart,
      count,
      epochHi: hi,
      epochLo: lo,
    }),
  );
  const frame = Buffer.alloc(FRAME_HEADER_BYTES + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, FRAME_HEADER_BYTES);
  return frame;
}
