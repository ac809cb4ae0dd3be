// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { Outcome } from "../scenarios/_support/scenario.ts";

/** Makes each outcome a step of the test. */
export async function report(t: Deno.TestContext, outcomes: readonly Outcome[]): Promise<void> {
  assert.notEqual(outcomes.length, 0);
  for (const { name, failure } of outcomes) {
    await t.step(name, () => assert.equal(failure, undefined));
  }
}
