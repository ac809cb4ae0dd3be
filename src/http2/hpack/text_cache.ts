// SPDX-License-Identifier: Apache-2.0

import { byteHash } from "./byte_hash.ts";

/** How many strings are remembered. A power of two. */
const SLOTS = 16;
/** A longer string is not remembered. */
const MAX_BYTES = 128;
/** By how many of its last bytes a string is found. */
const HASHED_BYTES = 8;

interface Slot {
  readonly bytes: Uint8Array;
  readonly isCoded: boolean;
  readonly text: string;
}

/**
 * Remembers what the last strings of header blocks were, by their bytes. Unlike an index, a string means the
 * same whatever the tables hold, so nothing ever invalidates it: a client that sends its path in full with
 * each request, or puts a new deadline into the table each time, is read without decoding the path again.
 * A string is remembered when it comes for the second time, so that those which never come again, such as deadlines,
 * cost nothing and drive out none. What is kept per connection is bounded by 16 strings of 128 bytes.
 */
export class TextCache {
  readonly #slots: (Slot | undefined)[] = new Array(SLOTS);
  /** The hash of the string that was last not found in a slot. */
  readonly #missed = new Int32Array(SLOTS);

  /** The text of a string, by its bytes and by whether they are Huffman-coded, if it is remembered. */
  find(source: TextSource): string | undefined {
    const slot = this.#slots[hashOf(source) & (SLOTS - 1)];
    if (slot === undefined || slot.isCoded !== source.isCoded) return undefined;
    const { bytes, start } = source;
    const known = slot.bytes;
    if (known.length !== source.end - start) return undefined;
    for (let i = 0; i < known.length; i++) {
      if (known[i] !== bytes[start + i]) return undefined;
    }
    return slot.text;
  }

  /** Remembers a string in the place of another, unless it comes for the first time. */
  add(source: TextSource, text: string): void {
    const { bytes, start, end, isCoded } = source;
    const hash = hashOf(source);
    const slot = hash & (SLOTS - 1);
    if (this.#missed[slot] !== hash) this.#missed[slot] = hash;
    else if (end - start <= MAX_BYTES) {
      // Not `slice`, which of a `Buffer` is no copy and would hold all that the socket has read.
      this.#slots[slot] = { bytes: new Uint8Array(bytes.subarray(start, end)), isCoded, text };
    }
  }
}

/** A string as it stands in a header block: `bytes` from `start` to `end`. */
export interface TextSource {
  /** What holds it. */
  readonly bytes: Uint8Array;
  /** Where it begins. */
  readonly start: number;
  /** Where it ends. */
  readonly end: number;
  /** Whether it is Huffman-coded. */
  readonly isCoded: boolean;
}

/** What differs within a deadline, or between the paths of a service, stands at the end. */
function hashOf({ bytes, start, end }: TextSource): number {
  return byteHash(bytes, Math.max(start, end - HASHED_BYTES), end);
}
