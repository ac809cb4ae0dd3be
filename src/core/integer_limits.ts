// SPDX-License-Identifier: Apache-2.0

/** Largest unsigned 32-bit integer, such as a count on the wire: 2^32 - 1. */
export const UINT32_MAX = 0xffff_ffff;

/** Largest unsigned 64-bit integer, such as a packed timestamp: 2^64 - 1. */
export const UINT64_MAX: bigint = (1n << 64n) - 1n;
