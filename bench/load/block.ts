// SPDX-License-Identifier: Apache-2.0

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { GetTsRequestSchema, GetTsResponseSchema } from "../../src/gen/tsoracle/v1/tso_pb.ts";

/** A block of timestamps as it came over the wire. */
export interface Block {
  /** Milliseconds since the Unix epoch. */
  readonly physicalMs: number;
  /** First logical counter of the block. */
  readonly logicalStart: number;
  /** Number of timestamps in the block. */
  readonly count: number;
}

/** The path that every protocol posts GetTs to. */
export const GET_TS_PATH = "/tsoracle.v1.TsoService/GetTs";

const FRAME_HEADER_BYTES = 5;
const TRAILER_FLAG = 0x80;

/** A GetTs request as one frame of gRPC or gRPC-Web: flags, length, message. */
export function requestFrame(count: number): Uint8Array {
  const message = toBinary(GetTsRequestSchema, create(GetTsRequestSchema, { count }));
  const frame = new Uint8Array(FRAME_HEADER_BYTES + message.length);
  new DataView(frame.buffer).setUint32(1, message.length);
  frame.set(message, FRAME_HEADER_BYTES);
  return frame;
}

/** What the frames of an answer hold. */
export interface Frames {
  /** The one message. */
  readonly message: Uint8Array;
  /** The trailer frame of gRPC-Web; empty in gRPC. */
  readonly trailers: string;
}

/**
 * Takes an answer apart.
 *
 * @throws {Error} unless it is whole frames with exactly one message
 */
export function readFrames(body: Uint8Array): Frames {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const messages: Uint8Array[] = [];
  let trailers = "";
  let at = 0;
  while (at < body.length) {
    if (at + FRAME_HEADER_BYTES > body.length) throw new Error("the answer ends inside a frame");
    const end = at + FRAME_HEADER_BYTES + view.getUint32(at + 1);
    if (end > body.length) throw new Error("the answer ends inside a frame");
    const payload = body.subarray(at + FRAME_HEADER_BYTES, end);
    if (view.getUint8(at) === TRAILER_FLAG) trailers += new TextDecoder().decode(payload);
    else if (view.getUint8(at) === 0) messages.push(payload);
    else throw new Error(`the answer has a frame with flags ${view.getUint8(at)}`);
    at = end;
  }
  const [message, ...more] = messages;
  if (message === undefined || more.length > 0) {
    throw new Error(`the answer has ${messages.length} messages instead of one`);
  }
  return { message, trailers };
}

/** Reads the message of an answer in protobuf. */
export function blockFromBinary(message: Uint8Array): Block {
  const { physicalMs, logicalStart, count } = fromBinary(GetTsResponseSchema, message);
  return { physicalMs: Number(physicalMs), logicalStart, count };
}

/**
 * Reads the message of an answer in JSON, where 64-bit numbers are strings.
 *
 * @throws {Error} if a field is missing or is no number
 */
export function blockFromJson(text: string): Block {
  const { physicalMs, logicalStart, count } = JSON.parse(text);
  const block = { physicalMs: Number(physicalMs), logicalStart, count };
  if (Object.values(block).every((value) => Number.isInteger(value))) return block;
  throw new Error(`the answer is no block of timestamps: ${text}`);
}
