// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { Grant } from "../../../src/core/allocator.ts";
import { packTimestamp } from "../../../src/core/timestamp.ts";
import type { MaxSafe } from "../../../src/server/oracle.ts";
import { checkHistory } from "../../../src/testing/recorded_history.ts";
import type { HistoryCall } from "../../../src/testing/recorded_history.ts";
import { GrantOrder } from "../../_support/grant_order.ts";

/**
 * All grants and safe points of a cluster, in the order in which they were given.
 *
 * Where leaders never overlap, each grant must lie above everything granted before and above every safe
 * point answered before, on whichever node. Where an overtaken leader is told late, this holds over the
 * epochs instead: see {@linkcode GrantOrder}, and a safe point binds its own and higher epochs.
 */
export class Ledger {
  readonly #isStrict: boolean;
  readonly #order = new GrantOrder();
  readonly #calls: HistoryCall[] = [];
  /** The highest safe point answered under each epoch. */
  readonly #safeMs = new Map<bigint, number>();

  /** @param isStrict whether leaders never overlap */
  constructor(isStrict: boolean) {
    this.#isStrict = isStrict;
  }

  /** Number of grants. */
  get grants(): number {
    return this.#calls.length;
  }

  /** The answered calls, for a checker. */
  get calls(): readonly HistoryCall[] {
    return this.#calls;
  }

  /** Takes in what a call that began at `startMs` and ended at `endMs` was given. */
  noteGrant(grant: Grant, startMs: number, endMs: number): void {
    const { physicalMs, logicalStart, count, epoch } = grant;
    const firstPacked = packTimestamp(physicalMs, logicalStart);
    if (this.#isStrict) assert(firstPacked > this.#order.highest, "a grant that steps back");
    this.#order.note(grant);
    for (const [answered, safeMs] of this.#safeMs) {
      if (!this.#isStrict && answered > epoch) continue;
      assert(physicalMs > safeMs, `a grant at ${physicalMs}, not above the safe point ${safeMs}`);
    }
    this.#calls.push({ startMs, endMs, firstPacked, count });
  }

  /** Takes in a safe point. */
  noteSafe({ physicalMs, epoch }: MaxSafe): void {
    this.#safeMs.set(epoch, Math.max(physicalMs, this.#safeMs.get(epoch) ?? 0));
  }

  /** Checks the whole history as the callers saw it. */
  check(): void {
    const violations = checkHistory(this.#calls);
    assert.deepEqual(this.#isStrict ? violations : violations.filter(isRepeat), []);
  }
}

function isRepeat(violation: { readonly kind: string }): boolean {
  return violation.kind === "overlap";
}
