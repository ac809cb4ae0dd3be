// SPDX-License-Identifier: Apache-2.0

import { UINT64_MAX } from "./integer_limits.ts";
import { CoreError } from "./errors.ts";

/** Bits of a timestamp that count milliseconds since the Unix epoch (behaviour.md 2.1). */
export const PHYSICAL_BITS = 46;

/** Bits of a timestamp that count values within one millisecond (behaviour.md 2.1). */
export const LOGICAL_BITS = 18;

/** Largest physical part, in milliseconds: 2^46 - 1, in the year 4199. */
export const PHYSICAL_MS_MAX = 70_368_744_177_663;

/** Largest logical part: 2^18 - 1. */
export const LOGICAL_MAX = 262_143;

/** Largest number of timestamps in one grant: all logical values of one millisecond. */
export const MAX_COUNT = 262_144;

const LOGICAL_SHIFT = BigInt(LOGICAL_BITS);
const LOGICAL_MASK = BigInt(LOGICAL_MAX);

/** The two parts of a timestamp. Both are exact as numbers; only the packed value needs 64 bits. */
export interface TimestampParts {
  /** Milliseconds since the Unix epoch, 0 to {@linkcode PHYSICAL_MS_MAX}. */
  readonly physicalMs: number;
  /** Counter within that millisecond, 0 to {@linkcode LOGICAL_MAX}. */
  readonly logical: number;
}

/** Whether `value` is a whole number of milliseconds that fits the 46-bit physical part. */
export function isPhysicalMs(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= PHYSICAL_MS_MAX;
}

/**
 * Checks that a number of milliseconds fits the 46-bit physical part.
 *
 * @param value milliseconds since the Unix epoch
 * @returns the same value
 * @throws {CoreError} `physical-ms-out-of-range` if it is not a whole number from 0 to 2^46 - 1
 */
export function checkPhysicalMs(value: number): number {
  if (isPhysicalMs(value)) return value;
  throw new CoreError(
    "physical-ms-out-of-range",
    `Cannot use ${value} as a physical time: it exceeds 46-bit timestamp field or is not a whole number of milliseconds`,
  );
}

/**
 * Packs the two parts into the 64-bit timestamp `physicalMs * 2^18 + logical`.
 *
 * @param physicalMs milliseconds since the Unix epoch, 0 to 2^46 - 1
 * @param logical counter within the millisecond, 0 to 2^18 - 1
 * @returns the timestamp, 0 to 2^64 - 1; it orders as the pair (physicalMs, logical)
 * @throws {CoreError} `physical-ms-out-of-range` or `logical-out-of-range`
 */
export function packTimestamp(physicalMs: number, logical: number): bigint {
  checkPhysicalMs(physicalMs);
  if (!Number.isInteger(logical) || logical < 0 || logical > LOGICAL_MAX) {
    throw new CoreError(
      "logical-out-of-range",
      `Cannot pack ${logical} as a logical counter: it exceeds 18-bit timestamp field or is not a whole number`,
    );
  }
  return (BigInt(physicalMs) << LOGICAL_SHIFT) | BigInt(logical);
}

/**
 * Takes a 64-bit timestamp apart.
 *
 * @param timestamp a packed timestamp, 0 to 2^64 - 1
 * @returns its physical and logical parts
 * @throws {CoreError} `timestamp-out-of-range` if the value does not fit 64 unsigned bits
 */
export function unpackTimestamp(timestamp: bigint): TimestampParts {
  if (timestamp < 0n || timestamp > UINT64_MAX) {
    throw new CoreError(
      "timestamp-out-of-range",
      `Cannot unpack ${timestamp}: a timestamp is an unsigned 64-bit integer`,
    );
  }
  return {
    physicalMs: Number(timestamp >> LOGICAL_SHIFT),
    logical: Number(timestamp & LOGICAL_MASK),
  };
}
