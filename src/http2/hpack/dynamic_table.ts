// SPDX-License-Identifier: Apache-2.0

import type { HeaderField } from "./header_field.ts";
import { fieldBytes } from "./header_field.ts";

/** The dynamic table of one direction of a connection (RFC 7541, 2.3.2). */
export class DynamicTable {
  /** Where the newest field is in `#ring`; older ones follow. */
  #newest = 0;
  #ring: (HeaderField | undefined)[] = new Array(8);
  #count = 0;
  #bytes = 0;
  #maxBytes: number;
  #changes = 0;

  /** Makes an empty table that may grow to so many bytes in the sense of RFC 7541, 4.1. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** How many fields there are. */
  get count(): number {
    return this.#count;
  }

  /** Their size in the sense of RFC 7541, 4.1. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How often the table has changed: what an index means holds as long as this does. */
  get changes(): number {
    return this.#changes;
  }

  /** The field at an index counted from 0, the newest first. */
  at(index: number): HeaderField | undefined {
    if (index >= this.#count) return undefined;
    return this.#ring[(this.#newest + index) & (this.#ring.length - 1)];
  }

  /** Adds a field, for which old ones go. One larger than the table only empties it (RFC 7541, 4.4). */
  insert(field: HeaderField): void {
    this.#changes += 1;
    const bytes = fieldBytes(field);
    this.#evictTo(this.#maxBytes - bytes);
    if (bytes > this.#maxBytes) return;
    if (this.#count === this.#ring.length) this.#grow();
    this.#newest = (this.#newest - 1) & (this.#ring.length - 1);
    this.#ring[this.#newest] = field;
    this.#count += 1;
    this.#bytes += bytes;
  }

  /** Sets the size that the table may have, for which old fields go (RFC 7541, 4.3). */
  resize(maxBytes: number): void {
    this.#changes += 1;
    this.#maxBytes = maxBytes;
    this.#evictTo(maxBytes);
  }

  #evictTo(bytes: number): void {
    while (this.#count > 0 && this.#bytes > bytes) {
      const oldest = (this.#newest + this.#count - 1) & (this.#ring.length - 1);
      const field = this.#ring[oldest];
      this.#ring[oldest] = undefined;
      this.#count -= 1;
      if (field !== undefined) this.#bytes -= fieldBytes(field);
    }
  }

  #grow(): void {
    const fields = Array.from({ length: this.#count }, (_, i) => this.at(i));
    this.#ring = [...fields, ...new Array<undefined>(fields.length)];
    this.#newest = 0;
  }
}
