// SPDX-License-Identifier: Apache-2.0

/** What an HTTP/2 client sends first (RFC 9113, 3.4). */
export const PREFACE: Uint8Array = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** Length of the head of a frame in bytes. */
export const FRAME_HEAD_BYTES = 9;

/** Largest payload that every peer takes, in bytes, and the one that we ask for. */
export const DEFAULT_MAX_PAYLOAD_BYTES = 16_384;

/** The highest number of a stream (RFC 9113, 5.1.1). */
export const MAX_STREAM_ID = 0x7fff_ffff;

/** Types of frames (RFC 9113, 6). */
export const FRAME_TYPE = {
  data: 0x0,
  headers: 0x1,
  priority: 0x2,
  rstStream: 0x3,
  settings: 0x4,
  pushPromise: 0x5,
  ping: 0x6,
  goaway: 0x7,
  windowUpdate: 0x8,
  continuation: 0x9,
} as const;

/** Flags of frames. A bit means different things in different types. */
export const FLAG = {
  ack: 0x1,
  endStream: 0x1,
  endHeaders: 0x4,
  padded: 0x8,
  priority: 0x20,
} as const;
