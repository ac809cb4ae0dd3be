// SPDX-License-Identifier: Apache-2.0

/** Longest wait between two attempts, in milliseconds (behaviour.md 6.4). */
export const MAX_BACKOFF_MS = 5_000;

/** From this attempt on the range grows no more (behaviour.md 6.4). */
const MAX_EXPONENT = 20;

/** What a wait depends on. */
export interface BackoffInput {
  /** The attempt or pass that ended, counted from 0. */
  readonly attempt: number;
  /** The range of the first wait, in milliseconds. */
  readonly baseMs: number;
  /** A number of 0 to below 1. */
  readonly random: number;
  /** What is left of the call, in milliseconds: no wait is longer. */
  readonly remainingMs: number;
}

/** How long to wait before a further attempt: full jitter, from 0 to a range that doubles each time. */
export function backoffMs(input: BackoffInput): number {
  const { attempt, baseMs, random, remainingMs } = input;
  const rangeMs = Math.min(baseMs * 2 ** Math.min(attempt, MAX_EXPONENT), MAX_BACKOFF_MS);
  return Math.max(0, Math.min(random * rangeMs, remainingMs));
}
