// SPDX-License-Identifier: Apache-2.0

import { DynamicTable } from "../../../src/http2/hpack/dynamic_table.ts";
import { DEFAULT_TABLE_BYTES } from "../../../src/http2/hpack/hpack_decoder.ts";
import { writeInteger, writeText } from "../../../src/http2/hpack/hpack_encoder.ts";
import type { HeaderField } from "../../../src/http2/hpack/header_field.ts";
import { STATIC_TABLE } from "../../../src/http2/hpack/static_table.ts";

/** The forms that a field may have in a block (RFC 7541, 6.2). */
const LITERALS = [
  { first: 0x40, prefixBits: 6 },
  { first: 0x00, prefixBits: 4 },
  { first: 0x10, prefixBits: 4 },
] as const;

/** How fields are written: an index where there is one, or which of the forms of a literal. */
export type Form = "index" | 0 | 1 | 2;

/** Writes blocks in any of the ways that a peer may choose. */
export class MixedEncoder {
  readonly #table = new DynamicTable(DEFAULT_TABLE_BYTES);

  /** Writes a block, behind a new size of the table if there is one. Of the forms one is used for each field in turn. */
  encode(fields: readonly HeaderField[], forms: readonly Form[], tableBytes?: number): Uint8Array {
    const bytes: number[] = [];
    if (tableBytes !== undefined) {
      writeInteger(bytes, tableBytes, { first: 0x20, prefixBits: 5 });
      this.#table.resize(tableBytes);
    }
    fields.forEach((field, i) => this.#write(bytes, field, forms[i % forms.length] ?? 0));
    return Uint8Array.from(bytes);
  }

  #write(bytes: number[], field: HeaderField, form: Form): void {
    const { name, value } = field;
    const index = this.#find((each) => each.name === name && each.value === value);
    if (form === "index" && index > 0) {
      return writeInteger(bytes, index, { first: 0x80, prefixBits: 7 });
    }
    const literal = LITERALS[form === "index" ? 0 : form];
    const nameIndex = this.#find((each) => each.name === name);
    writeInteger(bytes, nameIndex, literal);
    if (nameIndex === 0) writeText(bytes, name);
    writeText(bytes, value);
    if (literal.first === 0x40) this.#table.insert(field);
  }

  #find(isIt: (field: HeaderField) => boolean): number {
    const dynamic = Array.from({ length: this.#table.count }, (_, i) => this.#table.at(i));
    const all = [...STATIC_TABLE, ...dynamic];
    return all.findIndex((field) => field !== undefined && isIt(field)) + 1;
  }
}
