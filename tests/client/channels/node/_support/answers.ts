// SPDX-License-Identifier: Apache-2.0

import { create, toBinary } from "@bufbuild/protobuf";
import { Buffer } from "node:buffer";
import type { ServerHttp2Stream } from "node:http2";
import { GetTsResponseSchema } from "../../../../../src/gen/tsoracle/v1/tso_pb.ts";

/** Answers a request that is here to its end. */
export type Answer = (stream: ServerHttp2Stream) => void;

const GRPC = { ":status": 200, "content-type": "application/grpc+proto" } as const;

/** A message as it travels. */
export const MESSAGE: Uint8Array = toBinary(
  GetTsResponseSchema,
  create(GetTsResponseSchema, { physicalMs: 1_700_000_000_000n, logicalStart: 7, count: 3 }),
);

function framed(message: Uint8Array, flag = 0, length = message.length): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, message]);
}

function answer(
  parts: readonly Uint8Array[],
  trailers: Readonly<Record<string, string>>,
  head: Readonly<Record<string, string | number>> = GRPC,
): Answer {
  return (stream) => {
    stream.respond(head, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    for (const part of parts) stream.write(part);
    stream.end();
  };
}

function only(head: Readonly<Record<string, string | number>>, body = ""): Answer {
  return (stream) => {
    stream.respond(head, { endStream: body === "" });
    if (body !== "") stream.end(body);
  };
}

function resetWith(code: number): Answer {
  return (stream) => stream.close(code);
}

const OK = { "grpc-status": "0" } as const;

/** Answers of servers, usual and unusual ones, by what they are. */
export const ANSWERS: Readonly<Record<string, Answer>> = {
  "a message": answer([framed(MESSAGE)], OK),
  "a message in parts": answer([...framed(MESSAGE)].map((byte) => Buffer.from([byte])), OK),
  "an empty message": answer([framed(new Uint8Array(0))], OK),
  "a message of plain application/grpc": answer([framed(MESSAGE)], OK, {
    ":status": 200,
    "content-type": "application/grpc",
  }),
  "a message with metadata": answer([framed(MESSAGE)], { ...OK, "x-trailer": "b" }, {
    ...GRPC,
    "x-header": "a",
  }),
  "a message that says that it is not compressed": answer([framed(MESSAGE)], OK, {
    ...GRPC,
    "grpc-encoding": "identity",
  }),
  "a status alone": only({ ...GRPC, "grpc-status": "9", "grpc-message": "not leader" }),
  "a status with a hint": only({
    ...GRPC,
    "grpc-status": "9",
    "grpc-message": "not leader",
    "tsoracle-leader-hint-bin": "Cg4xMC4wLjAuNzo1MDU1MQ",
  }),
  "a status in trailers": answer([], { "grpc-status": "8", "grpc-message": "too many" }),
  "a status in trailers with a head of its own": answer([], { "grpc-status": "13" }, {
    ...GRPC,
    "x-header": "a",
  }),
  "a message and a status": answer([framed(MESSAGE)], { "grpc-status": "14" }),
  "a status whose text is percent-encoded": only({
    ...GRPC,
    "grpc-status": "3",
    "grpc-message": "count: %E2%82%AC 5 is 100%25",
  }),
  "a status with details": only({
    ...GRPC,
    "grpc-status": "3",
    "grpc-status-details-bin": "CAMSBm5vcGUgMRoDCgFh",
  }),
  "a status that gRPC does not know": answer([], { "grpc-status": "99" }),
  "a status that is no number": answer([], { "grpc-status": "abc" }),
  "a status of 0 without a message": only({ ...GRPC, ...OK }),
  "trailers with a status of 0 and no message": answer([], OK),
  "a message and a status of 0 in the head": answer([framed(MESSAGE)], {}, { ...GRPC, ...OK }),
  "a message and another status in the head": answer([framed(MESSAGE)], {}, {
    ...GRPC,
    "grpc-status": "5",
  }),
  "a message without a status": answer([framed(MESSAGE)], { "x-other": "1" }),
  "a message without trailers": (stream) => {
    stream.respond(GRPC);
    stream.end(framed(MESSAGE));
  },
  "nothing at all": only(GRPC),
  "two messages": answer([framed(MESSAGE), framed(MESSAGE)], OK),
  "a compressed message": answer([framed(MESSAGE, 1)], OK),
  "an encoding that nobody asked for": answer([framed(MESSAGE)], OK, {
    ...GRPC,
    "grpc-encoding": "gzip",
  }),
  "half a message": answer([framed(MESSAGE, 0, 100)], OK),
  "half a prefix": answer([framed(MESSAGE).subarray(0, 3)], OK),
  "a message that is too large": answer([framed(MESSAGE, 0, 2_000_000)], OK),
  "a message that is none": answer([framed(new Uint8Array([0xff, 0xff, 0xff]))], OK),
  "another content type": answer([framed(MESSAGE)], OK, {
    ":status": 200,
    "content-type": "text/html",
  }),
  "no content type": answer([framed(MESSAGE)], OK, { ":status": 200 }),
  ...Object.fromEntries([400, 401, 403, 404, 429, 500, 502, 503, 504].map((status) => [
    `HTTP ${status}`,
    only({ ":status": status, "content-type": "text/plain" }, "no"),
  ])),
  ...Object.fromEntries([1, 2, 3, 7, 8, 11, 12].map((code) => [
    `a reset with code ${code}`,
    resetWith(code),
  ])),
};
