// SPDX-License-Identifier: Apache-2.0

import { FLAG, FRAME_HEAD_BYTES, FRAME_TYPE } from "./frame_type.ts";

const NOTHING = new Uint8Array(0);
const LEAST_BYTES = 256;

/** A larger buffer is not kept for the next writer: a socket may hold it for a single frame. */
const MAX_SPARE_BYTES = 16_384;

/** A buffer that nobody uses, for whichever writer is the next to write: one does for all connections. */
let spare: Uint8Array = NOTHING;

/**
 * Writes frames one behind the other into a buffer that grows, to be sent with one write. What is taken is
 * never written to again, as a socket may still hold it, unless it is given back. The next buffer is made as large as
 * the last was full, so that a busy connection allocates once per turn at most, and an idle one holds nothing.
 */
export class FrameWriter {
  #bytes: Uint8Array = NOTHING;
  #length = 0;
  #expected = LEAST_BYTES;
  #dataFrames = 0;

  /** Bytes written and not yet taken. */
  get length(): number {
    return this.#length;
  }

  /** DATA frames that were ever written, but for those given to `raw`. */
  get dataFrames(): number {
    return this.#dataFrames;
  }

  /** Takes what was written since the last time. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#expected = Math.max(LEAST_BYTES, this.#length);
    this.#bytes = NOTHING;
    this.#length = 0;
    return taken;
  }

  /** Takes back what `take` has returned last: nobody holds it any more. */
  giveBack(taken: Uint8Array): void {
    const bytes = new Uint8Array(taken.buffer);
    if (bytes.length <= MAX_SPARE_BYTES && bytes.length > spare.length) spare = bytes;
  }

  /** DATA: the bytes from `start` to `end`, which fit into a frame. */
  data(streamId: number, bytes: Uint8Array, span: DataSpan): void {
    const { start, end, endStream } = span;
    const flags = endStream ? FLAG.endStream : 0;
    this.#dataFrames += 1;
    let at = this.#frame(FRAME_TYPE.data, flags, streamId, end - start);
    // A small message is copied faster by a loop than by a call into the runtime.
    if (end - start > 64) return this.#bytes.set(bytes.subarray(start, end), at);
    for (let from = start; from < end; from++) this.#bytes[at++] = bytes[from] as number;
  }

  /**
   * HEADERS, with CONTINUATION if the block is larger than a frame may be.
   *
   * @param maxPayloadBytes what the peer said in SETTINGS_MAX_FRAME_SIZE
   */
  headers(streamId: number, block: Uint8Array, options: HeadersOptions): void {
    const { endStream, maxPayloadBytes } = options;
    let start = 0;
    let type: number = FRAME_TYPE.headers;
    let flags = endStream ? FLAG.endStream : 0;
    do {
      const end = Math.min(block.length, start + maxPayloadBytes);
      if (end === block.length) flags |= FLAG.endHeaders;
      const at = this.#frame(type, flags, streamId, end - start);
      this.#bytes.set(start === 0 && end === block.length ? block : block.subarray(start, end), at);
      type = FRAME_TYPE.continuation;
      flags = 0;
      start = end;
    } while (start < block.length);
  }

  /** RST_STREAM. */
  rstStream(streamId: number, code: number): void {
    const at = this.#frame(FRAME_TYPE.rstStream, 0, streamId, 4);
    writeUint32(this.#bytes, at, code);
  }

  /** SETTINGS, as pairs of identifier and value. */
  settings(pairs: readonly (readonly [number, number])[]): void {
    let at = this.#frame(FRAME_TYPE.settings, 0, 0, pairs.length * 6);
    for (const [id, value] of pairs) {
      this.#bytes[at] = id >>> 8;
      this.#bytes[at + 1] = id;
      writeUint32(this.#bytes, at + 2, value);
      at += 6;
    }
  }

  /** SETTINGS with ACK. */
  settingsAck(): void {
    this.#frame(FRAME_TYPE.settings, FLAG.ack, 0, 0);
  }

  /** PING with the eight bytes at `start`. */
  ping(bytes: Uint8Array, start: number, flags: number): void {
    const at = this.#frame(FRAME_TYPE.ping, flags, 0, 8);
    this.#bytes.set(bytes.subarray(start, start + 8), at);
  }

  /** GOAWAY, with a sentence in ASCII for the log of the peer. */
  goaway(lastStreamId: number, code: number, text: string): void {
    const at = this.#frame(FRAME_TYPE.goaway, 0, 0, 8 + text.length);
    writeUint32(this.#bytes, at, lastStreamId);
    writeUint32(this.#bytes, at + 4, code);
    for (let i = 0; i < text.length; i++) this.#bytes[at + 8 + i] = text.charCodeAt(i);
  }

  /** WINDOW_UPDATE. */
  windowUpdate(streamId: number, increment: number): void {
    const at = this.#frame(FRAME_TYPE.windowUpdate, 0, streamId, 4);
    writeUint32(this.#bytes, at, increment);
  }

  /** Bytes as they are: frames that were written before, of which so many are DATA. */
  raw(bytes: Uint8Array, dataFrames = 0): void {
    this.#dataFrames += dataFrames;
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Writes the head of a frame and leaves room for its payload, whose place it returns. */
  #frame(type: number, flags: number, streamId: number, payloadBytes: number): number {
    this.#reserve(FRAME_HEAD_BYTES + payloadBytes);
    const bytes = this.#bytes;
    const at = this.#length;
    bytes[at] = payloadBytes >>> 16;
    bytes[at + 1] = payloadBytes >>> 8;
    bytes[at + 2] = payloadBytes;
    bytes[at + 3] = type;
    bytes[at + 4] = flags;
    writeUint32(bytes, at + 5, streamId);
    this.#length = at + FRAME_HEAD_BYTES + payloadBytes;
    return at + FRAME_HEAD_BYTES;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = bufferOf(Math.max(needed, this.#bytes.length * 2, this.#expected));
    if (this.#length > 0) larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

function bufferOf(bytes: number): Uint8Array {
  if (spare.length < bytes) return new Uint8Array(bytes);
  const buffer = spare;
  spare = NOTHING;
  return buffer;
}

/** Which part of some bytes a DATA frame carries. */
export interface DataSpan {
  /** Where it begins. */
  readonly start: number;
  /** Where it ends. */
  readonly end: number;
  /** Whether nothing follows on the stream. */
  readonly endStream: boolean;
}

/** How a header block is sent. */
export interface HeadersOptions {
  /** Whether nothing follows on the stream. */
  readonly endStream: boolean;
  /** Largest payload that the peer takes, in bytes. */
  readonly maxPayloadBytes: number;
}

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
