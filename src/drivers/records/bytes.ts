// SPDX-License-Identifier: Apache-2.0

/**
 * Orders two texts of bytes as a dictionary does. For UTF-8 that is the order of code points, which is not
 * the order of JavaScript's strings.
 *
 * @returns below 0, 0 or above 0
 */
export function compareBytes(one: Uint8Array, other: Uint8Array): number {
  const length = Math.min(one.length, other.length);
  for (let at = 0; at < length; at++) {
    const difference = (one[at] as number) - (other[at] as number);
    if (difference !== 0) return difference;
  }
  return one.length - other.length;
}
