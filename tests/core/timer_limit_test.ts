// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { LONGEST_TIMER_MS } from "../../src/core/timer_limit.ts";

Deno.test("LONGEST_TIMER_MS is the largest that a 32-bit signed integer holds", () => {
  assert.equal(LONGEST_TIMER_MS | 0, LONGEST_TIMER_MS);
  assert.notEqual((LONGEST_TIMER_MS + 1) | 0, LONGEST_TIMER_MS + 1);
});
