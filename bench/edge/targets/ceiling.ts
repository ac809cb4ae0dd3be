// SPDX-License-Identifier: Apache-2.0

import { create, toBinary } from "@bufbuild/protobuf";
import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { createServer } from "node:net";
import { GetTsResponseSchema } from "../../../src/gen/tsoracle/v1/tso_pb.ts";
import { encodeFrame, FLAG, FRAME, FRAME_HEADER_BYTES } from "../../load/http2/frame.ts";
import { encodeFields } from "../../load/http2/hpack.ts";
import { listenOnLoopback } from "./listen.ts";

const PREFACE_BYTES = 24;
/** MAX_CONCURRENT_STREAMS = 256 */
const SETTINGS = encodeFrame({ type: FRAME.settings }, Buffer.from([0, 3, 0, 0, 1, 0]));
const SETTINGS_ACK = encodeFrame({ type: FRAME.settings, flags: FLAG.ack }, Buffer.alloc(0));

/** `:status: 200` and the name `content-type` are in the static table (RFC 7541, appendix A). */
const HEADER_BLOCK = Buffer.from("\x88\x0f\x10\x16application/grpc+proto", "latin1");

const ANSWER_FRAMES = [
  encodeFrame({ type: FRAME.headers, flags: FLAG.endHeaders }, HEADER_BLOCK),
  encodeFrame({ type: FRAME.data }, constantMessage()),
  encodeFrame(
    { type: FRAME.headers, flags: FLAG.endHeaders | FLAG.endStream },
    encodeFields({ "grpc-status": "0" }),
  ),
];
const ANSWER = Buffer.concat(ANSWER_FRAMES);
/** Where the frames of an answer have the number of their stream. */
const STREAM_ID_OFFSETS = [0, 1, 2].map((index) =>
  ANSWER_FRAMES.slice(0, index).reduce((sum, { length }) => sum + length, FRAME_HEADER_BYTES - 4)
);

/**
 * What is left when nothing but frames is parsed: each request gets the same answer when its last frame is here, all
 * answers of one read in one write. No header is decoded, no message either, no limit is kept; nothing that speaks HTTP/2
 * in this language over this runtime's sockets is expected to be faster.
 */
export function serveCeiling(): Promise<number> {
  return listenOnLoopback(createServer((socket) => new CeilingConnection(socket)));
}

class CeilingConnection {
  readonly #socket: Socket;
  #rest: Buffer = Buffer.alloc(0);
  #toSkip = PREFACE_BYTES;
  /** Streams whose request came with this read. */
  #ended: number[] = [];
  #control: Buffer[] = [SETTINGS];
  #dataBytes = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
  }

  #take(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const at = this.#takeFrames(bytes);
    this.#rest = bytes.subarray(at);
    this.#flush();
  }

  /** Returns where the first frame begins that is not whole. */
  #takeFrames(bytes: Buffer): number {
    let at = 0;
    if (this.#toSkip > 0) {
      if (bytes.length < this.#toSkip) return 0;
      at = this.#toSkip;
      this.#toSkip = 0;
    }
    while (at + FRAME_HEADER_BYTES <= bytes.length) {
      const head = bytes.readUInt32BE(at);
      const end = at + FRAME_HEADER_BYTES + (head >>> 8);
      if (end > bytes.length) break;
      this.#takeFrame(bytes, at, end);
      at = end;
    }
    return at;
  }

  #takeFrame(bytes: Buffer, at: number, end: number): void {
    const type = bytes.readUInt8(at + 3);
    const flags = bytes.readUInt8(at + 4);
    if (type === FRAME.data || type === FRAME.headers) {
      if (type === FRAME.data) this.#dataBytes += end - at - FRAME_HEADER_BYTES;
      if (flags & FLAG.endStream) this.#ended.push(bytes.readUInt32BE(at + 5));
    } else if (type === FRAME.settings && !(flags & FLAG.ack)) {
      this.#control.push(SETTINGS_ACK);
    } else if (type === FRAME.ping && !(flags & FLAG.ack)) {
      const payload = bytes.subarray(at + FRAME_HEADER_BYTES, end);
      this.#control.push(encodeFrame({ type, flags: FLAG.ack }, payload));
    }
  }

  #flush(): void {
    if (this.#dataBytes > 0) {
      const increment = Buffer.alloc(4);
      increment.writeUInt32BE(this.#dataBytes);
      this.#control.push(encodeFrame({ type: FRAME.windowUpdate }, increment));
      this.#dataBytes = 0;
    }
    if (this.#ended.length > 0) this.#control.push(answerAll(this.#ended));
    this.#ended = [];
    const [first, ...more] = this.#control;
    if (first === undefined) return;
    this.#socket.write(more.length === 0 ? first : Buffer.concat(this.#control));
    this.#control = [];
  }
}

function answerAll(streamIds: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(ANSWER.length * streamIds.length);
  let at = 0;
  for (const id of streamIds) {
    bytes.set(ANSWER, at);
    for (const offset of STREAM_ID_OFFSETS) bytes.writeUInt32BE(id, at + offset);
    at += ANSWER.length;
  }
  return bytes;
}

function constantMessage(): Buffer {
  const message = toBinary(
    GetTsResponseSchema,
    create(GetTsResponseSchema, {
      physicalMs: 1_800_000_000_000n,
      logicalStart: 1_000,
      count: 1,
      epochLo: 1n,
    }),
  );
  return Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
}
