// SPDX-License-Identifier: Apache-2.0

/** How often something can be done in a second. */
export interface Rate {
  /** The middle one of the runs. */
  readonly median: number;
  /** The slowest run. */
  readonly lowest: number;
  /** The fastest run. */
  readonly highest: number;
}

/**
 * Sums up the runs of one measurement.
 *
 * @throws {RangeError} if there is none
 */
export function summarize(perSecond: readonly number[]): Rate {
  const sorted = [...perSecond].sort((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? NaN;
  const { length } = sorted;
  if (length === 0) throw new RangeError("Cannot sum up no runs");
  const median = (at((length - 1) >> 1) + at(length >> 1)) / 2;
  return { median, lowest: at(0), highest: at(length - 1) };
}
