// SPDX-License-Identifier: Apache-2.0

import { ConnectionFault, ERROR_CODE } from "../error_code.ts";
import { FRAME_HEAD_BYTES } from "./frame_type.ts";

/** A frame as received: its payload is `bytes` from `start` to `end`. */
export interface Frame {
  /** One of `FRAME_TYPE`, or a type that is not known here. */
  readonly type: number;
  /** Bits of `FLAG`. */
  readonly flags: number;
  /** The stream, 0 for the connection. The reserved bit is gone. */
  readonly streamId: number;
  /** What holds the payload. */
  readonly bytes: Uint8Array;
  /** Where the payload begins. */
  readonly start: number;
  /** Where the payload ends. */
  readonly end: number;
}

const NOTHING: Uint8Array = new Uint8Array(0);

/**
 * The frame that was found last, on whatever connection: one is taken before the next is looked for. One of each
 * connection would be cold at every call where there are a thousand.
 */
const lent = { type: 0, flags: 0, streamId: 0, bytes: NOTHING, start: 0, end: 0 };

/**
 * Finds the frames in what a socket brings, however it is cut. A frame that lies whole in a chunk is not
 * copied; one that does not is put together once, in memory that is never more than a frame.
 */
export class FrameReader {
  readonly #maxPayloadBytes: number;
  #begunBytes = 0;
  /** The beginning of a frame whose rest is still to come. */
  #begun: Uint8Array = NOTHING;

  /**
   * Makes a reader at the start of a frame.
   *
   * @param maxPayloadBytes what this side said in SETTINGS_MAX_FRAME_SIZE
   */
  constructor(maxPayloadBytes: number) {
    this.#maxPayloadBytes = maxPayloadBytes;
  }

  /** What `next` has found. The frame and its bytes are lent: both are used again for the next frame of any reader. */
  get frame(): Frame {
    return lent;
  }

  /**
   * Looks for the next frame in a chunk. What is left without one is kept for the next chunk.
   *
   * @param start where to begin
   * @returns where the frame ends; -1 if there is none any more
   * @throws {ConnectionFault} if a frame is too long, as soon as its head is here
   */
  next(chunk: Uint8Array, start: number): number {
    if (this.#begunBytes > 0) return this.#continue(chunk, start);
    const rest = chunk.length - start;
    if (rest >= FRAME_HEAD_BYTES) {
      const end = start + FRAME_HEAD_BYTES + this.#payloadBytes(chunk, start);
      if (end <= chunk.length) return deliver(chunk, start, end);
    }
    if (rest > 0) this.#keep(chunk, start);
    return -1;
  }

  /** Adds to the frame that has begun, and delivers it if it is whole. */
  #continue(chunk: Uint8Array, start: number): number {
    let at = start;
    if (this.#begunBytes < FRAME_HEAD_BYTES) {
      at = this.#take(chunk, at, FRAME_HEAD_BYTES);
      if (this.#begunBytes < FRAME_HEAD_BYTES) return -1;
    }
    const whole = FRAME_HEAD_BYTES + this.#payloadBytes(this.#begun, 0);
    at = this.#take(chunk, at, whole);
    if (this.#begunBytes < whole) return -1;
    deliver(this.#begun, 0, whole);
    this.#begun = NOTHING;
    this.#begunBytes = 0;
    return at;
  }

  #keep(chunk: Uint8Array, at: number): void {
    const rest = chunk.length - at;
    const whole = rest < FRAME_HEAD_BYTES ? 0 : this.#payloadBytes(chunk, at);
    this.#take(chunk, at, FRAME_HEAD_BYTES + whole);
  }

  /** Moves bytes to the frame that has begun until it has `wanted` of them. */
  #take(chunk: Uint8Array, at: number, wanted: number): number {
    if (this.#begun.length < wanted) {
      const larger = new Uint8Array(wanted);
      larger.set(this.#begun.subarray(0, this.#begunBytes));
      this.#begun = larger;
    }
    const end = Math.min(chunk.length, at + wanted - this.#begunBytes);
    if (end <= at) return at;
    this.#begun.set(chunk.subarray(at, end), this.#begunBytes);
    this.#begunBytes += end - at;
    return end;
  }

  #payloadBytes(bytes: Uint8Array, at: number): number {
    const length = (bytes[at] as number) << 16 | (bytes[at + 1] as number) << 8 |
      (bytes[at + 2] as number);
    if (length <= this.#maxPayloadBytes) return length;
    const text = `a frame of ${length} bytes, more than ${this.#maxPayloadBytes}`;
    throw new ConnectionFault(ERROR_CODE.frameSizeError, text);
  }
}

/** Fills the frame, and returns where it ends. */
function deliver(bytes: Uint8Array, at: number, end: number): number {
  lent.type = bytes[at + 3] as number;
  lent.flags = bytes[at + 4] as number;
  lent.streamId = readUint31(bytes, at + 5);
  lent.bytes = bytes;
  lent.start = at + FRAME_HEAD_BYTES;
  lent.end = end;
  return end;
}

/** Reads 31 bits in network order; the bit above them is reserved and not looked at. */
export function readUint31(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) & 0x7f) << 24 | (bytes[at + 1] as number) << 16 |
    (bytes[at + 2] as number) << 8 | (bytes[at + 3] as number);
}

/** Reads 32 bits in network order. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return readUint31(bytes, at) + ((bytes[at] as number) & 0x80) * 0x100_0000;
}
