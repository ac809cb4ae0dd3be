// SPDX-License-Identifier: Apache-2.0

import { packTimestamp, unpackTimestamp } from "../core/timestamp.ts";
import type { Epoch } from "../core/epoch.ts";

/** Where a {@linkcode Timestamp} begins to count: a block that a server granted, or a part of one. */
export interface TimestampStart {
  /** Milliseconds since the Unix epoch, 0 to 2^46 - 1. */
  readonly physicalMs: number;
  /** The first counter within that millisecond, 0 to 2^18 - 1. */
  readonly logicalStart: number;
  /** The epoch of the leader that granted it, if that is known. */
  readonly epoch?: Epoch | undefined;
}

/**
 * A timestamp: a millisecond and a counter within it, which order as a pair and pack into 64 bits.
 *
 * Both parts are exact as numbers; the packed value is made when it is asked for. `<` and `>` compare two
 * timestamps rightly; `===` compares objects, so use {@linkcode Timestamp.equals}. In JSON it is the packed
 * value as a decimal string, because a JSON number would lose its low bits.
 *
 * @example
 * ```ts
 * import { Timestamp } from "@tsoracle/tsoracle/client";
 * import assert from "node:assert/strict";
 *
 * const earlier = Timestamp.parse("471859200000000041");
 * const later = Timestamp.fromBigInt(earlier.toBigInt() + 1n);
 * assert(earlier < later);
 * assert.equal(later.logical, 42);
 * assert.equal(JSON.stringify({ at: later }), '{"at":"471859200000000042"}');
 * ```
 */
export class Timestamp {
  /** Milliseconds since the Unix epoch, 0 to 2^46 - 1. Not a clock reading: it may run ahead of the clock. */
  readonly physicalMs: number;
  /** Counter within that millisecond, 0 to 2^18 - 1. */
  readonly logical: number;
  /** The epoch of the leader that granted it; `undefined` for one that was made from its packed value. */
  readonly epoch: Epoch | undefined;

  /**
   * Makes the timestamp that lies `index` after the start. Nothing is checked: to make one from data, use
   * {@linkcode Timestamp.fromBigInt} or {@linkcode Timestamp.parse}.
   */
  constructor(start: TimestampStart, index = 0) {
    this.physicalMs = start.physicalMs;
    this.logical = start.logicalStart + index;
    this.epoch = start.epoch;
  }

  /**
   * Makes the timestamp with this packed value.
   *
   * @param value 0 to 2^64 - 1
   * @throws {CoreError} `timestamp-out-of-range` if it does not fit 64 unsigned bits
   */
  static fromBigInt(value: bigint): Timestamp {
    const { physicalMs, logical } = unpackTimestamp(value);
    return new Timestamp({ physicalMs, logicalStart: logical });
  }

  /**
   * Reads what {@linkcode Timestamp.toString} wrote.
   *
   * @throws {SyntaxError} if the text is anything but decimal digits
   * @throws {CoreError} `timestamp-out-of-range` if the value does not fit 64 unsigned bits
   */
  static parse(text: string): Timestamp {
    if (/^[0-9]{1,20}$/.test(text)) return Timestamp.fromBigInt(BigInt(text));
    throw new SyntaxError(
      `Cannot parse ${JSON.stringify(text)} as a timestamp: write 1 to 20 decimal digits`,
    );
  }

  /**
   * Orders two timestamps, for `Array.prototype.sort`.
   *
   * @returns below 0 if `a` is the earlier one, 0 if they are equal, above 0 if it is the later one
   */
  static compare(a: Timestamp, b: Timestamp): number {
    return a.physicalMs - b.physicalMs || a.logical - b.logical;
  }

  /** Orders this timestamp and another: below 0 if this is the earlier one, 0 if they are equal. */
  compareTo(other: Timestamp): number {
    return Timestamp.compare(this, other);
  }

  /** Whether both are the same point; epochs do not matter, since no two grants share a value. */
  equals(other: Timestamp): boolean {
    return this.physicalMs === other.physicalMs && this.logical === other.logical;
  }

  /** The packed value, 0 to 2^64 - 1: `physicalMs * 2^18 + logical`. */
  toBigInt(): bigint {
    return packTimestamp(this.physicalMs, this.logical);
  }

  /** The packed value, so that `<` and `>` order timestamps. */
  valueOf(): bigint {
    return this.toBigInt();
  }

  /** The packed value in decimal. */
  toString(): string {
    return this.toBigInt().toString();
  }

  /** The packed value in decimal: a string, because a JSON number would lose its low bits. */
  toJSON(): string {
    return this.toString();
  }

  /** The physical part as a date; it does not hold the counter. */
  toDate(): Date {
    return new Date(this.physicalMs);
  }
}
