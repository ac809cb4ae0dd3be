// SPDX-License-Identifier: Apache-2.0

import { DynamicTable } from "./dynamic_table.ts";
import { compressionFault, FieldReader } from "./field_reader.ts";
import type { HeaderField } from "./header_field.ts";
import { fieldBytes } from "./header_field.ts";
import { STATIC_TABLE } from "./static_table.ts";

/** Size of the dynamic table where nothing else was agreed on, in bytes (RFC 9113, 6.5.2). */
export const DEFAULT_TABLE_BYTES = 4_096;

/** The fields of a header block. */
export interface FieldList {
  /** The fields in their order; not all of them if the list is too large. */
  readonly fields: readonly HeaderField[];
  /** The size of the whole list in bytes, as counted by SETTINGS_MAX_HEADER_LIST_SIZE. */
  readonly bytes: number;
  /** Whether the list is larger than the limit. Its block was read to the end, as the table depends on it. */
  readonly isTooLarge: boolean;
}

/** What a decoder is bounded by. */
export interface HpackDecoderOptions {
  /** What this side said in SETTINGS_HEADER_TABLE_SIZE, in bytes. */
  readonly maxTableBytes?: number;
  /** Largest list of fields in bytes, as counted by SETTINGS_MAX_HEADER_LIST_SIZE. */
  readonly maxListBytes: number;
}

/**
 * Reads header blocks (RFC 7541). A block that unpacks to more than the limit costs a count: an indexed field is
 * an object that is there already, and no more fields are kept than the limit allows.
 */
export class HpackDecoder {
  readonly #table: DynamicTable;
  readonly #maxTableBytes: number;
  readonly #maxListBytes: number;
  readonly #reader = new FieldReader();

  /** Makes a decoder with an empty table. */
  constructor(options: HpackDecoderOptions) {
    const { maxTableBytes = DEFAULT_TABLE_BYTES, maxListBytes } = options;
    this.#maxTableBytes = maxTableBytes;
    this.#maxListBytes = maxListBytes;
    this.#table = new DynamicTable(maxTableBytes);
  }

  /** How often the dynamic table has changed: equal blocks mean the same as long as this does not move. */
  get changes(): number {
    return this.#table.changes;
  }

  /** Size of the dynamic table in bytes, in the sense of RFC 7541, 4.1. */
  get tableBytes(): number {
    return this.#table.bytes;
  }

  /**
   * Reads the whole block that lies in `bytes` from `start` to `end`.
   *
   * @throws {ConnectionFault} COMPRESSION_ERROR; the decoder cannot be used any more then
   */
  decode(bytes: Uint8Array, start: number, end: number): FieldList {
    const reader = this.#reader;
    reader.start(bytes, start, end);
    while (!reader.isAtEnd && (reader.peek & 0xe0) === 0x20) this.#resize();
    const fields: HeaderField[] = [];
    let listBytes = 0;
    while (!reader.isAtEnd) {
      const field = this.#field();
      listBytes += fieldBytes(field);
      if (listBytes <= this.#maxListBytes) fields.push(field);
    }
    reader.finish();
    return { fields, bytes: listBytes, isTooLarge: listBytes > this.#maxListBytes };
  }

  #field(): HeaderField {
    const first = this.#reader.peek;
    if ((first & 0x80) !== 0) return this.#at(this.#reader.integer(7));
    if ((first & 0x40) !== 0) {
      const field = this.#literal(6);
      this.#table.insert(field);
      return field;
    }
    if ((first & 0x20) !== 0) throw compressionFault("a table size that comes after a field");
    return this.#literal(4);
  }

  #literal(prefixBits: number): HeaderField {
    const index = this.#reader.integer(prefixBits);
    const name = index === 0 ? this.#reader.text() : this.#at(index).name;
    return { name, value: this.#reader.text() };
  }

  /** A field of either table by its index (RFC 7541, 2.3.3). */
  #at(index: number): HeaderField {
    const field = index <= STATIC_TABLE.length
      ? STATIC_TABLE[index - 1]
      : this.#table.at(index - STATIC_TABLE.length - 1);
    if (field === undefined) throw compressionFault(`an index without a field: ${index}`);
    return field;
  }

  #resize(): void {
    const bytes = this.#reader.integer(5);
    if (bytes > this.#maxTableBytes) throw compressionFault(`a table of ${bytes} bytes`);
    this.#table.resize(bytes);
  }
}
