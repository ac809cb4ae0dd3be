// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { SequenceRequest } from "../../../src/core/sequence.ts";
import type { SequenceBlock } from "../../../src/core/sequence.ts";
import { GapChecker } from "../../../src/testing/gap_checker.ts";

/** All blocks of a cluster's sequences, as their callers know them. */
export class SequenceLedger {
  readonly #checkers = new Map<string, GapChecker>();

  /** Takes in what a call was given. */
  noteGranted(requests: readonly SequenceRequest[], blocks: readonly SequenceBlock[]): void {
    assert.deepEqual(blocks.map(({ key, count }) => ({ key, count })), requests);
    for (const block of blocks) this.#checkerOf(block.key).received(block);
  }

  /** Takes in a call of which nobody knows whether it moved its counters. */
  noteUnknown(requests: readonly SequenceRequest[]): void {
    for (const { key, count } of requests) this.#checkerOf(key).unknown(count);
  }

  /** Checks that what was received, and some of what is unknown, tiles each counter. */
  check(nextOrdinal: (key: string) => bigint): void {
    for (const [key, checker] of this.#checkers) {
      assert.deepEqual(checker.check(nextOrdinal(key)), [], `sequence ${key}`);
    }
  }

  #checkerOf(key: string): GapChecker {
    const known = this.#checkers.get(key) ?? new GapChecker();
    this.#checkers.set(key, known);
    return known;
  }
}
