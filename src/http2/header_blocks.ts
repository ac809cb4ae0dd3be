// SPDX-License-Identifier: Apache-2.0

import { ConnectionFault, ERROR_CODE } from "./error_code.ts";
import { DEFAULT_MAX_PAYLOAD_BYTES } from "./frames/frame_type.ts";
import { BlockMemo } from "./hpack/block_memo.ts";
import type { BlockSource } from "./hpack/block_memo.ts";
import type { HeaderField } from "./hpack/header_field.ts";
import { HpackDecoder } from "./hpack/hpack_decoder.ts";
import type { FieldList } from "./hpack/hpack_decoder.ts";

/** How many frames a header block may come in. A frame has room for 16 KiB. */
const MAX_FRAMES = 64;

/** A header block whose end is still to come. */
export interface OpenBlock {
  /** The stream that it is for. */
  readonly streamId: number;
  /** Whether the stream ends with it. */
  readonly endStream: boolean;
  /** Whether the stream was made to depend on itself. */
  readonly isSelfDependent: boolean;
}

/**
 * Puts header blocks together and reads them; what the last of them meant is remembered. A block that goes on and on ends
 * the connection once it is larger than any list within the limit can be, or has come in too many frames.
 */
export class HeaderBlocks<T> {
  readonly #decoder: HpackDecoder;
  readonly #memo = new BlockMemo<T>();
  readonly #maxBlockBytes: number;
  readonly #readList: (list: FieldList) => T;
  #open: OpenBlock | undefined;
  #bytes: Uint8Array = new Uint8Array(0);
  #length = 0;
  #frames = 0;

  /**
   * Makes a reader of blocks.
   *
   * @param maxListBytes the limit of SETTINGS_MAX_HEADER_LIST_SIZE
   * @param readList says what the fields of a block mean
   */
  constructor(maxListBytes: number, readList: (list: FieldList) => T) {
    this.#readList = readList;
    this.#decoder = new HpackDecoder({ maxListBytes });
    this.#maxBlockBytes = maxListBytes + DEFAULT_MAX_PAYLOAD_BYTES;
  }

  /** The block that has begun and not ended: nothing else may come before its end. */
  get open(): OpenBlock | undefined {
    return this.#open;
  }

  /** Begins a block with its first part. */
  begin(block: OpenBlock, part: BlockSource): void {
    this.#open = block;
    this.#length = 0;
    this.#frames = 0;
    this.append(part);
  }

  /**
   * Adds a part.
   *
   * @throws {ConnectionFault} ENHANCE_YOUR_CALM if the block is too large, or comes in too many parts
   */
  append({ bytes, start, end }: BlockSource): void {
    const length = this.#length + end - start;
    this.#frames += 1;
    if (length > this.#maxBlockBytes || this.#frames > MAX_FRAMES) {
      throw new ConnectionFault(ERROR_CODE.enhanceYourCalm, "a header block without an end");
    }
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(bytes.subarray(start, end), this.#length);
    this.#length = length;
  }

  /** The block has ended. Returns the whole of it. */
  finish(): BlockSource {
    const whole = { bytes: this.#bytes, start: 0, end: this.#length };
    this.#open = undefined;
    this.#bytes = new Uint8Array(0);
    return whole;
  }

  /**
   * Reads a block, such as the head of a request.
   *
   * @throws {ConnectionFault} COMPRESSION_ERROR
   */
  read(source: BlockSource): T {
    const before = this.#decoder.changes;
    const known = this.#memo.find(source, before);
    if (known !== undefined) return known;
    const reading = this.#readList(this.#decoder.decode(source.bytes, source.start, source.end));
    if (this.#decoder.changes === before) this.#memo.add(source, before, reading);
    return reading;
  }

  /**
   * Reads a block of another kind.
   *
   * @returns the fields, or nothing if they are too large
   * @throws {ConnectionFault} COMPRESSION_ERROR
   */
  readFields(source: BlockSource): readonly HeaderField[] | undefined {
    const { fields, isTooLarge } = this.#decoder.decode(source.bytes, source.start, source.end);
    return isTooLarge ? undefined : fields;
  }
}
