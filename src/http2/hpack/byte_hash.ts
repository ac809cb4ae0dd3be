// SPDX-License-Identifier: Apache-2.0

/** A number of 32 bits that is mostly another one for other bytes. Whoever it matters to compares the bytes. */
export function byteHash(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  for (let at = start; at < end; at++) hash = Math.imul(hash, 31) + (bytes[at] as number) | 0;
  return hash ^ hash >>> 7;
}
