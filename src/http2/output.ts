// SPDX-License-Identifier: Apache-2.0

import { NO_TABLE } from "./hpack/hpack_encoder.ts";
import { FRAME_HEAD_BYTES } from "./frames/frame_type.ts";
import { FrameWriter } from "./frames/frame_writer.ts";
import type { HeadersOptions } from "./frames/frame_writer.ts";
import type { Transport } from "./transport.ts";

/**
 * How many bytes may wait in the socket before nothing more is received and no more of a body is sent, in bytes. What a
 * peer can make this side hold beyond it are the answers to what one read brought.
 */
export const CONGESTED_BYTES = 262_144;

/**
 * What a connection sends: frames are collected and go out with one write per turn, after all of what one read brought
 * has been answered. Frames that are written at another time go out at the end of the running turn.
 */
export class Output {
  /** Where the frames are written. Call `schedule` afterwards. */
  readonly frames: FrameWriter = new FrameWriter();
  readonly #transport: Transport;
  readonly #onCongested: () => void;
  readonly #flush = () => {
    this.#isScheduled = false;
    this.flush();
  };
  #isReading = false;
  #isScheduled = false;
  #isCongested = false;
  #isBehind = false;
  #isEnded = false;
  #hasSentBlock = false;

  /** Takes a transport, and who is told when too much waits in it. */
  constructor(transport: Transport, onCongested: () => void) {
    this.#transport = transport;
    this.#onCongested = onCongested;
  }

  /** Whether so much waits in the socket that bodies have to wait here. */
  get isCongested(): boolean {
    return this.#isCongested;
  }

  /** Whether something waited in the socket when the latest was written. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  /** A read begins: what is written until `endRead` goes out together. */
  beginRead(): void {
    this.#isReading = true;
  }

  /** The read is over. */
  endRead(): void {
    this.#isReading = false;
    this.flush();
  }

  /** Has what was written sent soon. */
  schedule(): void {
    if (this.#isReading || this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(this.#flush);
  }

  /** Writes a header block. The first one of the connection also says that no table is used. */
  headers(streamId: number, block: Uint8Array, options: HeadersOptions): void {
    let whole = block;
    if (!this.#hasSentBlock) {
      this.#hasSentBlock = true;
      whole = new Uint8Array(NO_TABLE.length + block.length);
      whole.set(NO_TABLE);
      whole.set(block, NO_TABLE.length);
    }
    this.frames.headers(streamId, whole, options);
  }

  /** Writes a whole answer: a head of at most 16382 bytes in one frame, a body in another, and what follows. */
  answer(frames: Uint8Array): void {
    if (this.#hasSentBlock) return this.frames.raw(frames, 1);
    this.#hasSentBlock = true;
    this.frames.raw(withNoTable(frames), 1);
  }

  /** Sends what was written. */
  flush(): void {
    if (this.frames.length === 0 || this.#isEnded) return;
    const bytes = this.frames.take();
    const waiting = this.#transport.write(bytes);
    this.#isBehind = waiting > bytes.length;
    if (waiting === 0) this.frames.giveBack(bytes);
    if (waiting <= CONGESTED_BYTES || this.#isCongested) return;
    this.#isCongested = true;
    this.#transport.pause();
    this.#onCongested();
  }

  /** Nothing waits in the socket any more. */
  drained(): void {
    if (!this.#isCongested) return;
    this.#isCongested = false;
    this.#transport.resume();
  }

  /** The socket is gone: what is written goes nowhere. */
  abandon(): void {
    this.#isEnded = true;
  }

  /** Sends what was written, and closes the sending side behind it. What is written later goes nowhere. */
  end(): void {
    this.flush();
    this.#isEnded = true;
    this.#transport.end();
  }
}

function withNoTable(frames: Uint8Array): Uint8Array {
  const longer = new Uint8Array(frames.length + NO_TABLE.length);
  longer.set(frames.subarray(0, FRAME_HEAD_BYTES));
  longer.set(NO_TABLE, FRAME_HEAD_BYTES);
  longer.set(frames.subarray(FRAME_HEAD_BYTES), FRAME_HEAD_BYTES + NO_TABLE.length);
  const payloadBytes = readUint24(frames) + NO_TABLE.length;
  longer[1] = payloadBytes >>> 8;
  longer[2] = payloadBytes;
  return longer;
}

function readUint24(bytes: Uint8Array): number {
  return (bytes[0] as number) << 16 | (bytes[1] as number) << 8 | (bytes[2] as number);
}
