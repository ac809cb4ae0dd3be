// SPDX-License-Identifier: Apache-2.0

import { BlockMemo } from "./hpack/block_memo.ts";
import type { BlockSource } from "./hpack/block_memo.ts";
import type { HeaderField } from "./hpack/header_field.ts";
import { HpackDecoder } from "./hpack/hpack_decoder.ts";
import type { FieldList } from "./hpack/hpack_decoder.ts";

/** Reads header blocks. What the last of them meant is remembered. */
export class HeaderBlocks<T> {
  readonly #memo = new BlockMemo<T>();
  readonly #decoder: HpackDecoder;
  readonly #readList: (list: FieldList) => T;

  /**
   * Makes a reader of blocks.
   *
   * @param maxListBytes the limit of SETTINGS_MAX_HEADER_LIST_SIZE
   * @param readList says what the fields of a block mean
   */
  constructor(maxListBytes: number, readList: (list: FieldList) => T) {
    this.#readList = readList;
    this.#decoder = new HpackDecoder({ maxListBytes });
  }

  /**
   * Reads a block, such as the head of a request.
   *
   * @throws {ConnectionFault} COMPRESSION_ERROR
   */
  read(source: BlockSource): T {
    const known = this.#memo.find(source);
    if (known !== undefined) return known;
    const before = this.#decoder.changes;
    const reading = this.#readList(this.#decode(source));
    if (this.#decoder.changes === before) this.#memo.add(source, reading);
    return reading;
  }

  /**
   * Reads a block of another kind.
   *
   * @returns the fields, or nothing if they are too large
   * @throws {ConnectionFault} COMPRESSION_ERROR
   */
  readFields(source: BlockSource): readonly HeaderField[] | undefined {
    const { fields, isTooLarge } = this.#decode(source);
    return isTooLarge ? undefined : fields;
  }

  #decode({ bytes, start, end }: BlockSource): FieldList {
    const before = this.#decoder.changes;
    const list = this.#decoder.decode(bytes, start, end);
    if (this.#decoder.changes !== before) this.#memo.clear();
    return list;
  }
}
