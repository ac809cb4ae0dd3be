// SPDX-License-Identifier: Apache-2.0

import type { Epoch } from "./epoch.ts";
import { UINT64_MAX } from "./integer_limits.ts";

/** Longest key of a sequence, in bytes of UTF-8 (behaviour.md 2.5). */
export const MAX_SEQUENCE_KEY_BYTES = 128;

/** Largest block of one call by default (behaviour.md 1.6): a block is spent for ever once it is durable. */
export const DEFAULT_MAX_SEQUENCE_COUNT = 65_536;

/** Most keys of one batch by default (behaviour.md 1.6). */
export const DEFAULT_MAX_SEQUENCE_BATCH_KEYS = 128;

/** Most keys of one store by default (behaviour.md 1.6). */
export const DEFAULT_MAX_SEQUENCE_KEYS = 10_000;

/** Largest counter of a sequence, the ordinal after the last one: 2^64 - 1 (behaviour.md 1.4). */
export const SEQUENCE_COUNTER_MAX: bigint = UINT64_MAX;

/** A wish for the next ordinals of one sequence. */
export interface SequenceRequest {
  /** The sequence: 1 to 128 bytes of UTF-8. */
  readonly key: string;
  /** How many ordinals, at least 1. */
  readonly count: number;
}

/** A block of one sequence: the ordinals `start` to `start + count - 1`. */
export interface SequenceBlock {
  /** The sequence. */
  readonly key: string;
  /** The first ordinal, 0 to 2^64 - 2. */
  readonly start: bigint;
  /** How many ordinals, as many as were asked for. */
  readonly count: number;
}

/** A block, and the epoch of the leader that granted it. */
export interface SequenceGrant extends SequenceBlock {
  /** The epoch of the leader. */
  readonly epoch: Epoch;
}

/** Blocks taken in one step, and the epoch of the leader that granted them. */
export interface SequenceBatchGrant {
  /** One block for each request, in its order. */
  readonly blocks: readonly SequenceBlock[];
  /** The epoch of the leader. */
  readonly epoch: Epoch;
}

/** What a request is refused for before any store is asked. */
export type SequenceObjection = "count" | "key";

/**
 * Checks a request as far as it can be without a store; the count comes before the key (behaviour.md 2.5).
 *
 * @param maxCount largest count to accept
 * @returns what is wrong, or `undefined`
 */
export function objectToSequence(
  request: SequenceRequest,
  maxCount: number,
): SequenceObjection | undefined {
  const { key, count } = request;
  if (!Number.isInteger(count) || count < 1 || count > maxCount) return "count";
  return isSequenceKey(key) ? undefined : "key";
}

/** Whether a text can name a sequence: 1 to 128 bytes of UTF-8, and no half of a surrogate pair. */
export function isSequenceKey(key: string): boolean {
  // No character has more bytes than 3 per UTF-16 unit, nor fewer than 1.
  if (key.length === 0 || key.length > MAX_SEQUENCE_KEY_BYTES || !key.isWellFormed()) return false;
  return key.length * 3 <= MAX_SEQUENCE_KEY_BYTES || utf8Length(key) <= MAX_SEQUENCE_KEY_BYTES;
}

/** The length of a well-formed text in bytes of UTF-8. */
function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x1_0000 ? 3 : 4;
  }
  return bytes;
}
