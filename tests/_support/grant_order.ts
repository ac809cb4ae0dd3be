// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { Grant } from "../../src/core/allocator.ts";
import { packTimestamp, unpackTimestamp } from "../../src/core/timestamp.ts";

/** First and last timestamp granted under an epoch. */
interface Span {
  readonly first: bigint;
  readonly last: bigint;
}

/**
 * Checks what holds even where nobody tells an overtaken leader: within an epoch grants rise, and all that
 * an epoch grants lies above all that lower epochs ever grant, so that no timestamp is given twice.
 */
export class GrantOrder {
  readonly #spans = new Map<bigint, Span>();
  #highest = -1n;

  /** The highest timestamp granted under any epoch; -1 if there was none. */
  get highest(): bigint {
    return this.#highest;
  }

  /** Takes a grant in; fails if it breaks the order, or cannot be packed. */
  note({ physicalMs, logicalStart, count, epoch }: Grant): void {
    const first = packTimestamp(physicalMs, logicalStart);
    const last = packTimestamp(physicalMs, logicalStart + count - 1);
    assert.deepEqual(unpackTimestamp(first), { physicalMs, logical: logicalStart });
    assert.equal(last - first, BigInt(count) - 1n);
    for (const [other, span] of this.#spans) {
      if (other <= epoch) assert(first > span.last, `not above what epoch ${other} granted`);
      else assert(last < span.first, `not below what epoch ${other} granted`);
    }
    this.#spans.set(epoch, { first: this.#spans.get(epoch)?.first ?? first, last });
    if (last > this.#highest) this.#highest = last;
  }
}
