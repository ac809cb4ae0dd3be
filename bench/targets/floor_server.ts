// SPDX-License-Identifier: Apache-2.0

/**
 * The same answers on one port, written by hand on `node:http2` and `node:http`: no Connect, no limits, no
 * durable window. Its figures are what the runtime's own HTTP leaves to be reached, and the proof that the
 * load generator is not what limits a measurement.
 *
 * @module
 */

import { create, fromBinary, toBinary, toJsonString } from "@bufbuild/protobuf";
import { Buffer } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createHttpServer } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { createServer } from "node:net";
import type { GetTsResponse } from "../../src/gen/tsoracle/v1/tso_pb.ts";
import { GetTsRequestSchema, GetTsResponseSchema } from "../../src/gen/tsoracle/v1/tso_pb.ts";
import { Allocator, PHYSICAL_MS_MAX } from "../../src/server/mod.ts";

const FRAME_HEADER_BYTES = 5;
const GRPC_WEB_TRAILER = Buffer.from("\x80\x00\x00\x00\x10grpc-status: 0\r\n", "latin1");

const allocator = new Allocator();
allocator.becomeLeader(Date.now(), PHYSICAL_MS_MAX, 1n);

function grant(count: number): GetTsResponse {
  const outcome = allocator.tryGrant(Date.now(), count);
  if (outcome.kind !== "granted") throw new Error(outcome.kind);
  const { physicalMs, logicalStart } = outcome;
  return create(GetTsResponseSchema, {
    physicalMs: BigInt(physicalMs),
    logicalStart,
    count,
    epochLo: 1n,
  });
}

function answerFrame(body: Uint8Array): Buffer {
  const { count } = fromBinary(GetTsRequestSchema, body.subarray(FRAME_HEADER_BYTES));
  const message = toBinary(GetTsResponseSchema, grant(count));
  const frame = Buffer.alloc(FRAME_HEADER_BYTES + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, FRAME_HEADER_BYTES);
  return frame;
}

function answerStream(stream: ServerHttp2Stream): void {
  const chunks: Buffer[] = [];
  stream.on("error", () => stream.destroy());
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("end", () => {
    stream.respond({ ":status": 200, "content-type": "application/grpc+proto" }, {
      waitForTrailers: true,
    });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(answerFrame(Buffer.concat(chunks)));
  });
}

function answerRequest(request: IncomingMessage, response: ServerResponse): void {
  const type = request.headers["content-type"] ?? "";
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const body = Buffer.concat(chunks);
    const answer = type === "application/json"
      ? toJsonString(GetTsResponseSchema, grant(JSON.parse(body.toString()).count), {
        alwaysEmitImplicit: true,
      })
      : Buffer.concat([answerFrame(body), GRPC_WEB_TRAILER]);
    response.writeHead(200, { "content-type": type, "content-length": answer.length });
    response.end(answer);
  });
}

const http2 = createHttp2Server();
http2.on("stream", answerStream);
const http = createHttpServer(answerRequest);
// Deno closes a connection after each answer if its server is not bound.
Object.defineProperty(http, "listening", { value: true });
const listener = createServer((socket: Socket) => {
  socket.on("error", () => socket.destroy());
  socket.setNoDelay(true);
  socket.once("readable", () => {
    const first: Buffer = socket.read() ?? Buffer.alloc(0);
    socket.unshift(first);
    const server = first.toString("latin1", 0, 3) === "PRI" ? http2 : http;
    server.emit("connection", socket);
  });
});
listener.listen(0, "127.0.0.1", () => {
  const { address, port } = listener.address() as AddressInfo;
  console.log(`serving on ${address}:${port}`);
});
