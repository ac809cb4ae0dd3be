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

/** What the first frame of a header block says about it. */
export interface BlockHead {
  /** The stream that it is for. */
  readonly streamId: number;
  /** Whether the stream ends with it. */
  readonly endStream: boolean;
  /** Whether the stream was made to depend on itself. */
  readonly isSelfDependent: boolean;
}

/** Takes a whole header block. Both parts are lent: they are used again after the call. */
export type OnBlock = (head: BlockHead, source: BlockSource) => void;

/** What {@linkcode BlockFrames} works with. */
export interface BlockFramesOptions {
  /** The limit of SETTINGS_MAX_HEADER_LIST_SIZE. */
  readonly maxListBytes: number;
  /** Takes the blocks. */
  readonly onBlock: OnBlock;
}

/**
 * Puts header blocks together from HEADERS and CONTINUATION. A block that goes on and on ends the connection once it is
 * larger than any list within the limit can be, has come in too many frames, or takes too long.
 */
export class BlockFrames {
  readonly #parts: ConnectionParts;
  readonly #maxBytes: number;
  readonly #onBlock: OnBlock;
  /** A block that came in one frame, in objects that are used again: a request need not cost any. */
  readonly #head = { streamId: 0, endStream: false, isSelfDependent: false };
  readonly #span = { bytes: NOTHING, start: 0, end: 0 };
  /** The block that has begun and not ended. */
  #open: BlockHead | undefined;
  #bytes: Uint8Array = NOTHING;
  #length = 0;
  #frames = 0;
  #deadline: Deadline | undefined;

  /** Starts without a block. */
  constructor(parts: ConnectionParts, { maxListBytes, onBlock }: BlockFramesOptions) {
    this.#parts = parts;
    this.#maxBytes = maxListBytes + DEFAULT_MAX_PAYLOAD_BYTES;
    this.#onBlock = onBlock;
  }

  /** Whether the frame may come now: within a block nothing may but its next part (RFC 9113, 6.10). */
  awaits({ type, streamId }: Frame): boolean {
    if (this.#open === undefined) return true;
    return type === FRAME_TYPE.continuation && streamId === this.#open.streamId;
  }

  /**
   * Takes HEADERS.
   *
   * @throws {ConnectionFault} if padding or priority do not fit, or what `onBlock` throws
   */
  onHeaders(frame: Frame): void {
    const { streamId, flags, bytes } = frame;
    const span = this.#span;
    unpad(frame, span);
    span.bytes = bytes;
    const hasPriority = (flags & FLAG.priority) !== 0;
    const head = this.#head;
    head.streamId = streamId;
    head.endStream = (flags & FLAG.endStream) !== 0;
    head.isSelfDependent = hasPriority && readUint31(bytes, span.start - 5) === streamId;
    if ((flags & FLAG.endHeaders) !== 0) return this.#onBlock(head, span);
    this.#open = { ...head };
    this.#length = 0;
    this.#frames = 0;
    this.#append(span);
    this.#deadline = this.#parts.deadlines.handshake.add(() => {
      this.#parts.fail(calm("a header block that does not come to its end"));
    });
  }

  /**
   * Takes CONTINUATION.
   *
   * @throws {ConnectionFault} PROTOCOL_ERROR if no block is open; ENHANCE_YOUR_CALM if the block is too large or comes in too
   *   many parts; or what `onBlock` throws
   */
  onContinuation(frame: Frame): void {
    const open = this.#open;
    if (open === undefined) {
      throw new ConnectionFault(ERROR_CODE.protocolError, "CONTINUATION without HEADERS");
    }
    this.#append(frame);
    if ((frame.flags & FLAG.endHeaders) === 0) return;
    this.close();
    const bytes = this.#bytes;
    this.#open = undefined;
    this.#bytes = NOTHING;
    this.#onBlock(open, { bytes, start: 0, end: this.#length });
  }

  /** The connection ends: nobody waits for the rest of a block. */
  close(): void {
    this.#parts.deadlines.handshake.remove(this.#deadline);
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
