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
  /** The one that was found last. It is mostly found again, and what leads to the others is not touched then. */
  #usualBytes: Uint8Array | undefined;
  #usualValue: T | undefined;
  #slots: Slot<T>[] = [];
  #next = 0;
  /** Hashes of blocks that came for the first time. Made with the first of them. */
  #seen: Int32Array | undefined;

  /** What a block meant, if it is remembered. */
  find(source: BlockSource): T | undefined {
    const usual = this.#usualBytes;
    if (usual !== undefined && isEqual(usual, source)) return this.#usualValue;
    for (const { bytes, value } of this.#slots) {
      if (bytes === usual || !isEqual(bytes, source)) continue;
      this.#usualBytes = bytes;
      this.#usualValue = value;
      return value;
    }
    return undefined;
  }

  /** Remembers a block that was read without a change of the table, unless it comes for the first time. */
  add(source: BlockSource, value: T): void {
    const { bytes, start, end } = source;
    if (end - start > MAX_BYTES) return;
    const hash = byteHash(bytes, start, end);
    const seen = this.#seen ??= new Int32Array(SEEN);
    const isNew = seen[hash & (SEEN - 1)] !== hash;
    seen[hash & (SEEN - 1)] = hash;
    if (isNew) return;
    // Not `slice`, which of a `Buffer` is no copy and would hold all that the socket has read.
    this.#slots[this.#next] = { bytes: new Uint8Array(bytes.subarray(start, end)), value };
    this.#next = (this.#next + 1) % SLOTS;
  }

  /** The table has changed. */
  clear(): void {
    if (this.#slots.length === 0) return;
    this.#usualBytes = undefined;
    this.#usualValue = undefined;
    this.#slots = [];
    this.#next = 0;
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
