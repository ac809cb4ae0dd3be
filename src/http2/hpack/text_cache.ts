// SPDX-License-Identifier: Apache-2.0

/** How many strings are remembered. A power of two. */
const SLOTS = 16;
/** A longer string is not remembered. */
const MAX_BYTES = 128;

interface Slot {
  readonly bytes: Uint8Array;
  readonly isCoded: boolean;
  readonly text: string;
}

/**
 * Remembers what the last strings of header blocks were, by their bytes. Unlike an index, a string means the
 * same whatever the tables hold, so nothing ever invalidates it: a client that sends its path in full with
 * each request, or puts a new deadline into the table each time, is read without decoding the path again.
 * What is kept per connection is bounded by 16 strings of 128 bytes.
 */
export class TextCache {
  readonly #slots: (Slot | undefined)[] = new Array(SLOTS);

  /** The text of a string, by its bytes and by whether they are Huffman-coded, if it is remembered. */
  find(source: TextSource): string | undefined {
    const slot = this.#slots[slotOf(source)];
    if (slot === undefined || slot.isCoded !== source.isCoded) return undefined;
    const { bytes, start } = source;
    const known = slot.bytes;
    if (known.length !== source.end - start) return undefined;
    for (let i = 0; i < known.length; i++) {
      if (known[i] !== bytes[start + i]) return undefined;
    }
    return slot.text;
  }

  /** Remembers a string in the place of another. */
  add(source: TextSource, text: string): void {
    const { bytes, start, end, isCoded } = source;
    if (end - start > MAX_BYTES) return;
    this.#slots[slotOf(source)] = { bytes: bytes.slice(start, end), isCoded, text };
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

/** Length and last bytes: paths of one service differ there. */
function slotOf({ bytes, start, end }: TextSource): number {
  if (end === start) return 0;
  const last = bytes[end - 1] as number;
  const middle = bytes[(start + end) >>> 1] as number;
  return (end - start + last * 3 + middle * 5) & (SLOTS - 1);
}
