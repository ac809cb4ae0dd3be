// SPDX-License-Identifier: Apache-2.0

import { UINT64_MAX } from "./integer_limits.ts";
import { CoreError } from "./errors.ts";

/**
 * A term of leadership: an unsigned 128-bit integer that grows over all terms of a cluster. Its meaning
 * belongs to the driver; the oracle only compares. Zero is a valid epoch (the file driver has no other).
 */
export type Epoch = bigint;

/** Largest epoch: 2^128 - 1. */
export const EPOCH_MAX: Epoch = (1n << 128n) - 1n;

const HALF_BITS = 64n;

/** An epoch as it travels: two unsigned 64-bit halves that order as the whole (behaviour.md 1.2). */
export interface EpochHalves {
  /** The upper 64 bits. */
  readonly hi: bigint;
  /** The lower 64 bits. */
  readonly lo: bigint;
}

/**
 * Splits an epoch into its wire halves.
 *
 * @throws {CoreError} `epoch-out-of-range` if it does not fit 128 unsigned bits
 */
export function epochToHalves(epoch: Epoch): EpochHalves {
  return { hi: checkRange(epoch, EPOCH_MAX) >> HALF_BITS, lo: epoch & UINT64_MAX };
}

/**
 * Joins the wire halves of an epoch.
 *
 * @throws {CoreError} `epoch-out-of-range` if a half does not fit 64 unsigned bits
 */
export function epochFromHalves(halves: EpochHalves): Epoch {
  return (checkRange(halves.hi, UINT64_MAX) << HALF_BITS) | checkRange(halves.lo, UINT64_MAX);
}

function checkRange(value: bigint, max: bigint): bigint {
  if (value >= 0n && value <= max) return value;
  throw new CoreError(
    "epoch-out-of-range",
    `Cannot use ${value} in an epoch: it must be 0 to ${max}`,
  );
}
