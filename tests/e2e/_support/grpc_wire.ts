// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { GetTsResponse } from "../../../src/gen/tsoracle/v1/tso_pb.ts";
import { GetTsRequestSchema, GetTsResponseSchema } from "../../../src/gen/tsoracle/v1/tso_pb.ts";
import type { Answer, Exchange } from "./exchange.ts";

/** The path of GetTs. */
export const GET_TS = "/tsoracle.v1.TsoService/GetTs";
/** The path of GetCurrentMaxSafe. */
export const GET_MAX_SAFE = "/tsoracle.v1.TsoService/GetCurrentMaxSafe";

const HEAD_BYTES = 5;

/** One length-prefixed message: flags, length, bytes. */
export interface Frame {
  /** Bit 0: compressed. Bit 7: trailers of gRPC-Web. */
  readonly flags: number;
  /** What it carries. */
  readonly data: Uint8Array;
}

/** Puts the prefix of gRPC in front of a message. */
export function frame(data: Uint8Array, flags = 0, length = data.length): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEAD_BYTES + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, flags);
  view.setUint32(1, length);
  bytes.set(data, HEAD_BYTES);
  return bytes;
}

/** Splits a body into its frames. */
export function unframe(body: Uint8Array): Frame[] {
  const frames: Frame[] = [];
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  let at = 0;
  while (at < body.length) {
    const end = at + HEAD_BYTES + view.getUint32(at + 1);
    assert(end <= body.length, "a frame is longer than the body");
    frames.push({ flags: view.getUint8(at), data: body.subarray(at + HEAD_BYTES, end) });
    at = end;
  }
  return frames;
}

/** A message as protobuf bytes. */
export function encode<T extends DescMessage>(
  schema: T,
  init: MessageInitShape<T>,
): Uint8Array<ArrayBuffer> {
  return new Uint8Array(toBinary(schema, create(schema, init)));
}

/** A message from protobuf bytes. */
export function decode<T extends DescMessage>(schema: T, bytes: Uint8Array): MessageShape<T> {
  return fromBinary(schema, bytes);
}

/** GetTs as a gRPC client sends it. */
export function grpcGetTs(count: number, headers: Record<string, string> = {}): Exchange {
  return {
    method: "POST",
    path: GET_TS,
    headers: { "content-type": "application/grpc", te: "trailers", ...headers },
    body: frame(encode(GetTsRequestSchema, { count })),
  };
}

/** The status of a gRPC answer: of its trailers, or of its headers if there is nothing else. */
export function grpcStatus({ headers, trailers }: Answer): { code: number; message: string } {
  const fields = trailers.has("grpc-status") ? trailers : headers;
  const message = decodeURIComponent(fields.get("grpc-message") ?? "");
  return { code: Number(fields.get("grpc-status") ?? "-1"), message };
}

/** The message of a successful gRPC answer to GetTs. */
export function grpcGrant(answer: Answer): GetTsResponse {
  assert.deepEqual(grpcStatus(answer), { code: 0, message: "" });
  const frames = unframe(answer.body);
  assert.equal(frames.length, 1);
  return decode(GetTsResponseSchema, frames[0]!.data);
}

/** The bytes of a binary header, whether its base64 is padded or not. */
export function binaryHeader(headers: Headers, name: string): Uint8Array | undefined {
  const text = headers.get(name);
  return text === null ? undefined : new Uint8Array(Buffer.from(text, "base64"));
}

/** A grant's first timestamp in 64 bits. */
export function packed(
  { physicalMs, logicalStart }: Pick<GetTsResponse, "physicalMs" | "logicalStart">,
): bigint {
  return physicalMs * 262_144n + BigInt(logicalStart);
}
