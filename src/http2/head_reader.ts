// SPDX-License-Identifier: Apache-2.0

import type { HeaderField } from "./hpack/header_field.ts";
import type { FieldList } from "./hpack/hpack_decoder.ts";
import type { HeadReading, RequestHead } from "./request_head.ts";
import { isFieldValue, readHead } from "./request_head.ts";

/** How many lists are remembered: one for each method that is called, at best. */
const SLOTS = 4;
/** A larger list is not remembered. */
const MAX_BYTES = 2_048;

type Known<Taker> = HeadReading<Taker> & { readonly kind: "head" };

/** A list of fields, and what it means. */
interface KnownList<Taker> {
  fields: readonly HeaderField[];
  reading: Known<Taker>;
}

/**
 * Reads the heads of a connection. Calls of one method have the same fields, and mostly the same values: of a list like one
 * of the last few only the values that differ are checked, such as a deadline or the number of a trace. It compares fields,
 * not bytes, as many clients put each value into their table, and the same fields are other bytes in each block.
 */
export class HeadReader<Taker> {
  readonly #route: (head: RequestHead) => Taker;
  readonly #known: KnownList<Taker>[] = [];
  #next = 0;

  /**
   * Makes a reader that knows nothing.
   *
   * @param route finds who takes requests with a head; not asked again while that is remembered
   */
  constructor(route: (head: RequestHead) => Taker) {
    this.#route = route;
  }

  /** What `readHead` returns for the list. */
  read(list: FieldList): HeadReading<Taker> {
    if (list.isTooLarge || list.bytes > MAX_BYTES) return readHead(list, this.#route);
    for (const known of this.#known) {
      const reading = this.#readLike(known, list.fields);
      if (reading !== undefined) return reading;
    }
    const reading = readHead(list, this.#route);
    if (reading.kind === "head") this.#remember({ fields: list.fields, reading });
    return reading;
  }

  #remember(known: KnownList<Taker>): void {
    this.#known[this.#next] = known;
    this.#next = (this.#next + 1) % SLOTS;
  }

  /** Reads a list that has the fields of a known one. Nothing is returned if it has not, or is better read anew. */
  #readLike(
    known: KnownList<Taker>,
    fields: readonly HeaderField[],
  ): HeadReading<Taker> | undefined {
    const { fields: before, reading } = known;
    if (fields.length !== before.length) return undefined;
    // Pseudo-headers stand before the others.
    const pseudoHeaders = fields.length - reading.head.fields.length;
    let isEqual = true;
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i] as HeaderField;
      const old = before[i] as HeaderField;
      if (field === old) continue;
      if (field.name !== old.name) return undefined;
      if (field.value === old.value) continue;
      if (i < pseudoHeaders || !isIndependent(field)) return undefined;
      isEqual = false;
    }
    known.fields = fields;
    if (!isEqual) known.reading = this.#revise(reading.head, fields.slice(pseudoHeaders));
    return known.reading;
  }

  /** The reading of a head that differs from another in the values of its fields. */
  #revise(like: RequestHead, fields: readonly HeaderField[]): Known<Taker> {
    const { method, scheme, authority, path, contentLength } = like;
    const head: RequestHead = { method, scheme, authority, path, fields, contentLength };
    return { kind: "head", head, taker: this.#route(head) };
  }
}

/** Fields whose values have rules of their own, or have to go with other fields. */
const RULED: ReadonlySet<string> = new Set(["content-length", "host", "te"]);

/** Whether a field of a right name has a value that can be, and that says nothing about the rest of the request. */
function isIndependent({ name, value }: HeaderField): boolean {
  return !RULED.has(name) && isFieldValue(value);
}
