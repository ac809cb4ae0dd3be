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

/** Takes frames. The frame and its bytes are lent: both are used again after the call. */
export type OnFrame = (frame: Frame) => void;

const NOTHING: Uint8Array = new Uint8Array(0);

/**
 * Finds the frames in what a socket brings, however it is cut. A frame that lies whole in a chunk is not
 * copied; one that does not is put together once, in memory that is never more than a frame.
 */
export class FrameReader {
  readonly #maxPayloadBytes: number;
  readonly #onFrame: OnFrame;
  readonly #frame = { type: 0, flags: 0, streamId: 0, bytes: NOTHING, start: 0, end: 0 };
  /** The beginning of a frame whose rest is still to come. */
  #begun: Uint8Array = NOTHING;
  #begunBytes = 0;

  /**
   * Makes a reader at the start of a frame.
   *
   * @param maxPayloadBytes what this side said in SETTINGS_MAX_FRAME_SIZE
   */
  constructor(maxPayloadBytes: number, onFrame: OnFrame) {
    this.#maxPayloadBytes = maxPayloadBytes;
    this.#onFrame = onFrame;
  }

  /**
   * Reads a chunk from `start` to its end.
   *
   * @throws {ConnectionFault} if a frame is too long, as soon as its head is here; what the receiver of the
   *   frames throws is passed on
   */
  read(chunk: Uint8Array, start = 0): void {
    let at = this.#begunBytes === 0 ? start : this.#continue(chunk, start);
    while (chunk.length - at >= FRAME_HEAD_BYTES) {
      const end = at + FRAME_HEAD_BYTES + this.#payloadBytes(chunk, at);
      if (end > chunk.length) break;
      this.#deliver(chunk, at, end);
      at = end;
    }
    if (at < chunk.length) this.#keep(chunk, at);
  }

  /** Adds to the frame that has begun, and delivers it if it is whole. */
  #continue(chunk: Uint8Array, start: number): number {
    let at = start;
    if (this.#begunBytes < FRAME_HEAD_BYTES) {
      at = this.#take(chunk, at, FRAME_HEAD_BYTES);
      if (this.#begunBytes < FRAME_HEAD_BYTES) return at;
    }
    const whole = FRAME_HEAD_BYTES + this.#payloadBytes(this.#begun, 0);
    at = this.#take(chunk, at, whole);
    if (this.#begunBytes < whole) return at;
    const begun = this.#begun;
    this.#begun = NOTHING;
    this.#begunBytes = 0;
    this.#deliver(begun, 0, whole);
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

  #deliver(bytes: Uint8Array, at: number, end: number): void {
    const frame = this.#frame;
    frame.type = bytes[at + 3] as number;
    frame.flags = bytes[at + 4] as number;
    frame.streamId = readUint31(bytes, at + 5);
    frame.bytes = bytes;
    frame.start = at + FRAME_HEAD_BYTES;
    frame.end = end;
    this.#onFrame(frame);
  }
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
