// SPDX-License-Identifier: Apache-2.0

import { byteHash } from "./byte_hash.ts";

/** How many blocks are remembered. */
const SLOTS = 4;
/** Of how many it is known that they came before, at most. A power of two. */
const SEEN = 8;
/** A longer block is not remembered. */
const MAX_BYTES = 512;

interface Slot<T> {
  readonly bytes: Uint8Array;
  readonly value: T;
}

/**
 * Remembers what the last header blocks meant. A client repeats itself: its blocks are equal byte for byte once
 * its table has settled. Any change of the table makes all of them mean something else. A block is remembered when it comes
 * for the second time, so that those which never come again, with a deadline or the number of a trace, drive out none.
 */
export class BlockMemo<T> {
  #slots: Slot<T>[] = [];
  #changes = 0;
  #next = 0;
  /** Hashes of blocks that came for the first time. */
  readonly #seen = new Int32Array(SEEN);

  /**
   * What a block meant, if it is remembered.
   *
   * @param changes the count of changes of the table at this moment
   */
  find(source: BlockSource, changes: number): T | undefined {
    if (changes !== this.#changes) return undefined;
    for (const { bytes, value } of this.#slots) {
      if (isEqual(bytes, source)) return value;
    }
    return undefined;
  }

  /**
   * Remembers a block that was read without a change of the table, unless it comes for the first time.
   *
   * @param changes the count of changes before and after the block
   */
  add(source: BlockSource, changes: number, value: T): void {
    const { bytes, start, end } = source;
    if (end - start > MAX_BYTES) return;
    if (changes !== this.#changes) {
      this.#slots = [];
      this.#next = 0;
      this.#changes = changes;
    }
    const hash = byteHash(bytes, start, end);
    const isNew = this.#seen[hash & (SEEN - 1)] !== hash;
    this.#seen[hash & (SEEN - 1)] = hash;
    if (isNew) return;
    this.#slots[this.#next] = { bytes: bytes.slice(start, end), value };
    this.#next = (this.#next + 1) % SLOTS;
  }
}

/** A header block: `bytes` from `start` to `end`. */
export interface BlockSource {
  /** What holds it. */
  readonly bytes: Uint8Array;
  /** Where it begins. */
  readonly start: number;
  /** Where it ends. */
  readonly end: number;
}

/** From the end: what differs between two calls to one method stands behind what does not. */
function isEqual(known: Uint8Array, { bytes, start, end }: BlockSource): boolean {
  if (known.length !== end - start) return false;
  for (let i = known.length - 1; i >= 0; i--) {
    if (known[i] !== bytes[start + i]) return false;
  }
  return true;
}
