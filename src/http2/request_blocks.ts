// SPDX-License-Identifier: Apache-2.0

import { DEFAULT_TABLE_BYTES } from "./hpack/hpack_decoder.ts";
import { NO_TABLE, writeField, writeInteger, writeText } from "./hpack/hpack_encoder.ts";
import { fieldBytes } from "./hpack/header_field.ts";
import type { HeaderField } from "./hpack/header_field.ts";
import { STATIC_NAMES, STATIC_TABLE, staticIndex } from "./hpack/static_table.ts";

/** The head of a request, by how often its fields are the same. */
export interface RequestFields {
  /** Fields of many requests, pseudo-headers first. One object for all of them, as it is known again by that. */
  readonly common: readonly HeaderField[];
  /** A field that has mostly the same value. */
  readonly usual: HeaderField | undefined;
  /** Fields of this request alone, which go into no table. */
  readonly others: readonly HeaderField[];
}

/** A block that means the same as long as nothing is added to the table. */
interface KnownBlock {
  readonly block: Uint8Array;
  readonly entries: number;
  readonly usualValue: string | undefined;
}

/**
 * Writes the heads of a client's requests (RFC 7541). What many of them have goes into the dynamic table once, from which
 * nothing ever leaves, so that indices move only when a method is called for the first time: from then on a head
 * is a few bytes, the same ones each time. A server that wants a smaller table than the usual one gets none.
 */
export class RequestBlocks {
  /** The dynamic table, the oldest first. */
  #entries: HeaderField[] = [];
  #tableBytes = 0;
  #isOff = false;
  #mustSayOff = false;
  readonly #known = new Map<readonly HeaderField[], KnownBlock>();

  /** Writes a head, given the size of the table that the server allows at this moment, in bytes. */
  encode(request: RequestFields, maxTableBytes: number): Uint8Array {
    if (maxTableBytes < DEFAULT_TABLE_BYTES && !this.#isOff) this.#turnOff();
    const { common, usual, others } = request;
    const known = others.length === 0 ? this.#known.get(common) : undefined;
    const entries = this.#entries.length;
    if (known?.entries === entries && known.usualValue === usual?.value) return known.block;
    const isFirst = this.#mustSayOff;
    const block = this.#write(request);
    if (others.length === 0 && entries === this.#entries.length && !isFirst) {
      this.#known.set(common, { block, entries, usualValue: usual?.value });
    }
    return block;
  }

  #turnOff(): void {
    this.#isOff = true;
    this.#mustSayOff = true;
    this.#entries = [];
    this.#known.clear();
  }

  #write({ common, usual, others }: RequestFields): Uint8Array {
    const bytes: number[] = this.#mustSayOff ? [...NO_TABLE] : [];
    this.#mustSayOff = false;
    for (const field of common) this.#writeCommon(bytes, field);
    if (usual !== undefined) this.#writeUsual(bytes, usual);
    for (const field of others) writeField(bytes, field);
    return Uint8Array.from(bytes);
  }

  #writeCommon(bytes: number[], field: HeaderField): void {
    const { name, value } = field;
    if (staticIndex(name, value) > 0) return writeField(bytes, field);
    const at = this.#entries.findIndex((entry) => entry.name === name && entry.value === value);
    if (at >= 0) return writeInteger(bytes, this.#indexOf(at), { first: 0x80, prefixBits: 7 });
    if (!this.#hasRoom(field)) return writeField(bytes, field);
    const nameIndex = STATIC_NAMES.get(name) ?? 0;
    writeInteger(bytes, nameIndex, { first: 0x40, prefixBits: 6 });
    if (nameIndex === 0) writeText(bytes, name);
    writeText(bytes, value);
    this.#entries.push(field);
    this.#tableBytes += fieldBytes(field);
  }

  /** The first value goes into the table. Of others only the name stands there. */
  #writeUsual(bytes: number[], field: HeaderField): void {
    const { name, value } = field;
    const at = this.#entries.findIndex((entry) => entry.name === name);
    if (at < 0 || this.#entries[at]?.value === value) return this.#writeCommon(bytes, field);
    writeInteger(bytes, this.#indexOf(at), { first: 0x00, prefixBits: 4 });
    writeText(bytes, value);
  }

  #hasRoom(field: HeaderField): boolean {
    return !this.#isOff && this.#tableBytes + fieldBytes(field) <= DEFAULT_TABLE_BYTES;
  }

  /** The newest entry stands right behind the static table (RFC 7541, 2.3.3). */
  #indexOf(at: number): number {
    return STATIC_TABLE.length + this.#entries.length - at;
  }
}
