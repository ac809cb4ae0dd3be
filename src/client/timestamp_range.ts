// SPDX-License-Identifier: Apache-2.0

import type { Epoch } from "../core/epoch.ts";
import type { BatchGrant } from "./grants.ts";
import { Timestamp } from "./timestamp.ts";

/** Options of a {@linkcode TimestampRange}: which part of a block it is. */
export interface TimestampRangeOptions {
  /**
   * Index of its first timestamp within the block.
   *
   * @default {0}
   */
  readonly offset?: number;
  /**
   * How many timestamps it has.
   *
   * @default {the rest of the block}
   */
  readonly length?: number;
}

/**
 * Consecutive timestamps of one millisecond. It has the size of a few numbers whatever its length: each
 * timestamp is made when it is asked for.
 *
 * @example
 * ```ts
 * import { TimestampRange } from "@tsoracle/tsoracle/client";
 * import assert from "node:assert/strict";
 *
 * const block = { physicalMs: 1_800_000_000_000, logicalStart: 5, count: 3, epoch: 1n };
 * const range = new TimestampRange(block);
 * assert.equal(range.length, 3);
 * assert.equal(range.at(2).logical, 7);
 * assert.deepEqual([...range].map(({ logical }) => logical), [5, 6, 7]);
 * ```
 */
export class TimestampRange implements Iterable<Timestamp> {
  /** The physical part of each of them: milliseconds since the Unix epoch, 0 to 2^46 - 1. */
  readonly physicalMs: number;
  /** The counter of the first one, 0 to 2^18 - 1. */
  readonly logicalStart: number;
  /** How many they are, 1 to 262,144. */
  readonly length: number;
  /** The epoch of the leader that granted them. */
  readonly epoch: Epoch;

  /** Makes the range of a block that a server granted, or of a part of it. Nothing is checked. */
  constructor(block: BatchGrant, options: TimestampRangeOptions = {}) {
    const { offset = 0, length = block.count - offset } = options;
    this.physicalMs = block.physicalMs;
    this.logicalStart = block.logicalStart + offset;
    this.length = length;
    this.epoch = block.epoch;
  }

  /** The earliest timestamp. */
  get first(): Timestamp {
    return new Timestamp(this);
  }

  /** The latest timestamp. */
  get last(): Timestamp {
    return new Timestamp(this, this.length - 1);
  }

  /**
   * Makes the timestamp at an index.
   *
   * @param index 0 to `length - 1`
   * @throws {RangeError} if there is none at this index
   */
  at(index: number): Timestamp {
    if (Number.isInteger(index) && index >= 0 && index < this.length) {
      return new Timestamp(this, index);
    }
    throw new RangeError(
      `Cannot take the timestamp at ${index}: the range has indexes 0 to ${this.length - 1}`,
    );
  }

  /** Makes the timestamps one after the other, earliest first. */
  *[Symbol.iterator](): Generator<Timestamp> {
    for (let index = 0; index < this.length; index++) yield new Timestamp(this, index);
  }

  /** The two ends in decimal, and the length. */
  toJSON(): { first: string; last: string; length: number } {
    return { first: this.first.toJSON(), last: this.last.toJSON(), length: this.length };
  }
}
