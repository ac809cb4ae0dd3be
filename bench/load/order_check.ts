// SPDX-License-Identifier: Apache-2.0

import type { Block } from "./block.ts";

const PER_MS = 262_144;

/**
 * Proves the promise of the oracle on what one load generator sees: a call that began after another had
 * returned gets greater timestamps, and no timestamp comes twice. The first is stricter than an order per
 * connection and holds for all connections together.
 *
 * A timestamp is kept as its distance from the first one seen, which a double holds exactly.
 */
export class OrderCheck {
  readonly #count: number;
  readonly #firsts: number[] = [];
  #originMs: number | undefined;
  #highest = -Infinity;

  /** Makes a check for calls that ask for `count` timestamps each. */
  constructor(count: number) {
    this.#count = count;
  }

  /** How many blocks were accepted. */
  get blocks(): number {
    return this.#firsts.length;
  }

  /** What a call that begins now must get more than: the highest timestamp that has returned so far. */
  get floor(): number {
    return this.#highest;
  }

  /**
   * Takes the answer to a call.
   *
   * @param floor {@linkcode floor} when the call began
   * @throws {Error} if the block is not the one asked for, or lies at or below the floor
   */
  accept(block: Block, floor: number): void {
    const { physicalMs, logicalStart, count } = block;
    if (count !== this.#count || logicalStart < 0 || logicalStart + count > PER_MS) {
      throw new Error(`asked for ${this.#count} timestamps, got ${JSON.stringify(block)}`);
    }
    this.#originMs ??= physicalMs;
    const first = (physicalMs - this.#originMs) * PER_MS + logicalStart;
    if (!(first > floor)) {
      throw new Error(
        `the block ${JSON.stringify(block)} is not above one that had returned before`,
      );
    }
    this.#firsts.push(first);
    this.#highest = Math.max(this.#highest, first + count - 1);
  }

  /** How many blocks share a timestamp with another one. The oracle's answer must be 0. */
  countOverlaps(): number {
    const sorted = Float64Array.from(this.#firsts).sort();
    let overlaps = 0;
    for (let index = 1; index < sorted.length; index++) {
      const distance = (sorted[index] ?? NaN) - (sorted[index - 1] ?? NaN);
      if (!(distance >= this.#count)) overlaps++;
    }
    return overlaps;
  }
}
