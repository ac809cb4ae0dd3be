// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";

/** What an HTTP/2 client sends first. */
export const PREFACE: Buffer = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/** Types of frames (RFC 9113, 6). */
export const TYPE = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** Error codes (RFC 9113, 7). */
export const H2_ERROR = { none: 0, protocol: 1, refused: 7, cancel: 8, calm: 11 } as const;

/** Flags of frames. */
export const FLAG = { ack: 1, endStream: 1, endHeaders: 4 } as const;

/** A frame as received. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** Writes a frame. */
export function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** The preface and empty settings. */
export function hello(): Buffer {
  return Buffer.concat([PREFACE, frame(TYPE.settings, 0, 0, Buffer.alloc(0))]);
}

/** Acknowledges the server's settings. */
export function settingsAck(): Buffer {
  return frame(TYPE.settings, FLAG.ack, 0, Buffer.alloc(0));
}

/** Opens a stream with `POST path`, uncompressed, and leaves it open for a body. */
export function openStream(stream: number, path = "/", headers: [string, string][] = []): Buffer {
  const fields = [[":method", "POST"], [":scheme", "http"], [":path", path], [":authority", "x"]];
  const block = Buffer.concat(
    [...fields, ...headers].map(([name = "", value = ""]) => field(name, value)),
  );
  return frame(TYPE.headers, FLAG.endHeaders, stream, block);
}

/** Part of a body. */
export function data(stream: number, bytes: Uint8Array, end = false): Buffer {
  return frame(TYPE.data, end ? FLAG.endStream : 0, stream, bytes);
}

/** Resets a stream with CANCEL. */
export function cancel(stream: number): Buffer {
  return frame(TYPE.reset, 0, stream, uint32(H2_ERROR.cancel));
}

/** Gives credit. */
export function windowUpdate(stream: number, bytes: number): Buffer {
  return frame(TYPE.windowUpdate, 0, stream, uint32(bytes));
}

/** Sets the window with which streams begin. */
export function initialWindow(bytes: number): Buffer {
  return frame(TYPE.settings, 0, 0, Buffer.concat([Buffer.from([0, 4]), uint32(bytes)]));
}

/** A number of 32 bits. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Reads all complete frames. */
export function framesOf(bytes: Buffer): readonly Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at + 9 <= bytes.length;) {
    const length = bytes.readUIntBE(at, 3);
    if (at + 9 + length > bytes.length) break;
    frames.push({
      type: bytes.readUInt8(at + 3),
      flags: bytes.readUInt8(at + 4),
      stream: bytes.readUInt32BE(at + 5),
      payload: bytes.subarray(at + 9, at + 9 + length),
    });
    at += 9 + length;
  }
  return frames;
}

/** A field without indexing or compression (RFC 7541, 6.2.2). Names and values up to 126 bytes. */
export function field(name: string, value: string): Buffer {
  const nameBytes = Buffer.from(name, "latin1");
  const valueBytes = Buffer.from(value, "latin1");
  return Buffer.concat([
    Buffer.from([0, nameBytes.length]),
    nameBytes,
    Buffer.from([valueBytes.length]),
    valueBytes,
  ]);
}
