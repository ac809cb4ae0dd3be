// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import fc from "fast-check";
import { backoffMs, MAX_BACKOFF_MS } from "../../../src/client/leader/backoff.ts";

function longest(attempt: number, remainingMs = Infinity): number {
  return backoffMs({ attempt, baseMs: 50, random: 1, remainingMs });
}

Deno.test("backoffMs() doubles its range up to 5 s", () => {
  const ranges = [0, 1, 2, 3, 4, 5, 6, 7, 20, 21, 1e9].map((attempt) => longest(attempt));
  assert.deepEqual(ranges, [50, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000, 5000]);
});

Deno.test("backoffMs() stays within its range and within the call", () => {
  const numbers = fc.record({
    attempt: fc.nat(100),
    baseMs: fc.nat(10_000),
    random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    remainingMs: fc.double({ min: -1_000, max: 20_000, noNaN: true }),
  });
  fc.assert(fc.property(numbers, (input) => {
    const waitMs = backoffMs(input);
    assert.ok(waitMs >= 0 && waitMs <= MAX_BACKOFF_MS);
    assert.ok(waitMs <= Math.max(0, input.remainingMs));
    assert.ok(waitMs <= input.baseMs * 2 ** input.attempt);
  }));
});

Deno.test("backoffMs() uses all of its range", () => {
  const waits = [0, 0.25, 0.5, 0.75].map((random) =>
    backoffMs({ attempt: 1, baseMs: 50, random, remainingMs: 1_000 })
  );
  assert.deepEqual(waits, [0, 25, 50, 75]);
});
