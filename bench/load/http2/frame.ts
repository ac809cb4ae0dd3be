// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";

/** Types of frames (RFC 9113, 6). */
export const FRAME = {
  data: 0,
  headers: 1,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** Flags of frames; their meaning depends on the type. */
export const FLAG = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

/** Bytes before the payload of a frame. */
export const FRAME_HEADER_BYTES = 9;

/** A frame that has arrived. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  /** 0 is the connection itself. */
  readonly streamId: number;
  /** Without padding and priority. */
  readonly payload: Buffer;
}

/** What {@linkcode encodeFrame} puts before the payload. */
export interface FrameHead {
  readonly type: number;
  readonly flags?: number;
  readonly streamId?: number;
}

/** A frame as bytes. */
export function encodeFrame(head: FrameHead, payload: Uint8Array): Buffer {
  const { type, flags = 0, streamId = 0 } = head;
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(streamId, 5);
  bytes.set(payload, FRAME_HEADER_BYTES);
  return bytes;
}

/** Cuts what arrives into frames. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** Takes a chunk and yields the frames that are now whole. */
  *take(chunk: Buffer): Generator<Frame, void, undefined> {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (at + FRAME_HEADER_BYTES <= bytes.length) {
      const end = at + FRAME_HEADER_BYTES + bytes.readUIntBE(at, 3);
      if (end > bytes.length) break;
      yield frameAt(bytes, at, end);
      at = end;
    }
    this.#rest = bytes.subarray(at);
  }
}

function frameAt(bytes: Buffer, at: number, end: number): Frame {
  const type = bytes.readUInt8(at + 3);
  const flags = bytes.readUInt8(at + 4);
  const streamId = bytes.readUInt32BE(at + 5) & 0x7fff_ffff;
  let first = at + FRAME_HEADER_BYTES;
  let last = end;
  if (type === FRAME.data || type === FRAME.headers) {
    if (flags & FLAG.padded) last -= bytes.readUInt8(first++);
    if (type === FRAME.headers && flags & FLAG.priority) first += 5;
  }
  return { type, flags, streamId, payload: bytes.subarray(first, last) };
}
