// SPDX-License-Identifier: Apache-2.0

import type { ConnectionParts } from "./connection_parts.ts";
import type { Deadline } from "./deadline_queue.ts";
import { ConnectionFault, ERROR_CODE } from "./error_code.ts";
import type { Frame } from "./frames/frame_reader.ts";
import { readUint31 } from "./frames/frame_reader.ts";
import { unpad } from "./frames/frame_rules.ts";
import { DEFAULT_MAX_PAYLOAD_BYTES, FLAG, FRAME_TYPE } from "./frames/frame_type.ts";
import type { BlockSource } from "./hpack/block_memo.ts";

/** How many frames a header block may come in. A frame has room for 16 KiB. */
const MAX_FRAMES = 64;

const NOTHING: Uint8Array = new Uint8Array(0);

/** A whole header block: its bytes, and what its first frame says about it. */
export interface Block extends BlockSource {
  /** The stream that it is for. */
  readonly streamId: number;
  /** Whether the stream ends with it. */
  readonly endStream: boolean;
  /** Whether the stream was made to depend on itself. */
  readonly isSelfDependent: boolean;
}

/**
 * The block that came last in one frame, of all connections: a request need not cost an object, and one of each
 * connection is cold where there are a thousand.
 */
const lent = {
  streamId: 0,
  endStream: false,
  isSelfDependent: false,
  bytes: NOTHING,
  start: 0,
  end: 0,
};

/**
 * Puts header blocks together from HEADERS and CONTINUATION. A block that goes on and on ends the connection once it is
 * larger than any list within the limit can be, has come in too many frames, or takes too long.
 */
export class BlockFrames {
  /** What is known of the block that has begun and not ended. */
  #open: Block | undefined;
  readonly #parts: ConnectionParts;
  readonly #maxBytes: number;
  #bytes: Uint8Array = NOTHING;
  #length = 0;
  #frames = 0;
  #deadline: Deadline | undefined;

  /**
   * Starts without a block.
   *
   * @param maxListBytes the limit of SETTINGS_MAX_HEADER_LIST_SIZE
   */
  constructor(parts: ConnectionParts, maxListBytes: number) {
    this.#parts = parts;
    this.#maxBytes = maxListBytes + DEFAULT_MAX_PAYLOAD_BYTES;
  }

  /** Whether the frame may come now: within a block nothing may but its next part (RFC 9113, 6.10). */
  awaits({ type, streamId }: Frame): boolean {
    if (this.#open === undefined) return true;
    return type === FRAME_TYPE.continuation && streamId === this.#open.streamId;
  }

  /**
   * Takes HEADERS.
   *
   * @returns the block, if that is all of it. It is lent until the next one
   * @throws {ConnectionFault} if padding or priority do not fit
   */
  onHeaders(frame: Frame): Block | undefined {
    const { streamId, flags, bytes } = frame;
    const block = lent;
    unpad(frame, block);
    block.bytes = bytes;
    const hasPriority = (flags & FLAG.priority) !== 0;
    block.streamId = streamId;
    block.endStream = (flags & FLAG.endStream) !== 0;
    block.isSelfDependent = hasPriority && readUint31(bytes, block.start - 5) === streamId;
    if ((flags & FLAG.endHeaders) !== 0) return block;
    this.#begin(block);
    return undefined;
  }

  /**
   * Takes CONTINUATION.
   *
   * @returns the block, if it is whole now
   * @throws {ConnectionFault} PROTOCOL_ERROR if no block is open; ENHANCE_YOUR_CALM if the block is too large or comes in too
   *   many parts
   */
  onContinuation(frame: Frame): Block | undefined {
    const open = this.#open;
    if (open === undefined) {
      throw new ConnectionFault(ERROR_CODE.protocolError, "CONTINUATION without HEADERS");
    }
    this.#append(frame);
    if ((frame.flags & FLAG.endHeaders) === 0) return undefined;
    this.close();
    const bytes = this.#bytes;
    this.#open = undefined;
    this.#bytes = NOTHING;
    return { ...open, bytes, start: 0, end: this.#length };
  }

  /** The connection ends: nobody waits for the rest of a block. */
  close(): void {
    this.#parts.deadlines.handshake.remove(this.#deadline);
  }

  #begin(block: Block): void {
    this.#open = { ...block, bytes: NOTHING };
    this.#length = 0;
    this.#frames = 0;
    this.#append(block);
    this.#deadline = this.#parts.deadlines.handshake.add(() => {
      this.#parts.fail(calm("a header block that does not come to its end"));
    });
  }

  #append({ bytes, start, end }: BlockSource): void {
    const length = this.#length + end - start;
    this.#frames += 1;
    if (length > this.#maxBytes || this.#frames > MAX_FRAMES) {
      throw calm("a header block without an end");
    }
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(bytes.subarray(start, end), this.#length);
    this.#length = length;
  }
}

function calm(text: string): ConnectionFault {
  return new ConnectionFault(ERROR_CODE.enhanceYourCalm, text);
}
