// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import fc from "fast-check";
import { MAX_COUNT, PHYSICAL_MS_MAX } from "../../src/core/timestamp.ts";
import { scaled } from "../_support/levels.ts";
import { AllocatorCluster } from "./_support/allocator_cluster.ts";
import type { Step } from "./_support/allocator_cluster.ts";

const NODES = 3;
const START_MS = 1_700_000_000_000;

const NODE = fc.nat({ max: NODES - 1 });
const PICK = fc.nat({ max: 7 });
const COUNT = fc.oneof(
  { arbitrary: fc.integer({ min: 1, max: MAX_COUNT }), weight: 4 },
  { arbitrary: fc.constantFrom(1, 2, MAX_COUNT - 1, MAX_COUNT), weight: 4 },
  { arbitrary: fc.constantFrom(0, -1, 0.5, MAX_COUNT + 1, 2 ** 32, NaN), weight: 1 },
);
const SPAN_MS = fc.oneof(fc.nat({ max: 5 }), fc.nat({ max: 5_000 }), fc.nat({ max: 2 ** 45 }));
const STEP_MS = fc.oneof(
  { arbitrary: fc.integer({ min: -3, max: 3 }), weight: 4 },
  { arbitrary: fc.integer({ min: -10_000, max: 10_000 }), weight: 2 },
  { arbitrary: fc.integer({ min: -(2 ** 46), max: 2 ** 46 }), weight: 1 },
);
const CLOCK_MS = fc.oneof(
  { arbitrary: fc.constant(START_MS), weight: 2 },
  fc.integer({ min: PHYSICAL_MS_MAX - 10, max: PHYSICAL_MS_MAX + 10 }),
  fc.integer({ min: -10, max: 10 }),
);

function step<K extends string, F>(kind: K, fields: { [P in keyof F]: fc.Arbitrary<F[P]> }) {
  return fc.record<F>(fields).map((values) => ({ kind, ...values }));
}

const STEP: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: step("grant", { node: NODE, count: COUNT }), weight: 12 },
  { arbitrary: step("clock-by", { ms: STEP_MS }), weight: 5 },
  { arbitrary: step("clock-to", { nowMs: CLOCK_MS }), weight: 1 },
  { arbitrary: step("advance", { node: NODE }), weight: 1 },
  { arbitrary: step("extend", { node: NODE, aheadMs: SPAN_MS }), weight: 4 },
  { arbitrary: step("refill", { node: NODE, aheadMs: SPAN_MS, slackMs: SPAN_MS }), weight: 3 },
  { arbitrary: step("write-arrives", { pick: PICK }), weight: 6 },
  { arbitrary: step("write-lost", { pick: PICK }), weight: 1 },
  { arbitrary: step("commit", { pick: PICK, node: NODE }), weight: 6 },
  { arbitrary: step("lead", { node: NODE, advanceMs: SPAN_MS }), weight: 2 },
  { arbitrary: step("step-down", { node: NODE }), weight: 1 },
);

const HISTORY = fc.array(STEP, { minLength: 1, maxLength: 120, size: "max" });

Deno.test("Allocator keeps every rule over clocks, extensions and changes of leader in any order", () => {
  fc.assert(
    fc.property(HISTORY, (steps) => {
      const cluster = new AllocatorCluster(NODES, START_MS);
      cluster.apply({ kind: "lead", node: 0, advanceMs: 3 });
      for (const next of steps) cluster.apply(next);
    }),
    { numRuns: scaled(1_000, 60_000) },
  );
});

Deno.test("the histories of the allocator's property reach every outcome", () => {
  const missing = new Set([
    "granted",
    "invalid-count",
    "not-leader",
    "physical-ms-out-of-range",
    "window-exhausted",
    "prepared",
    "not-needed",
    "fenced",
    "applied",
    "epoch-mismatch",
    "not-advanced",
  ]);
  for (const steps of fc.sample(HISTORY, 300)) {
    const cluster = new AllocatorCluster(NODES, START_MS);
    cluster.apply({ kind: "lead", node: 0, advanceMs: 3 });
    for (const next of steps) cluster.apply(next);
    for (const outcome of cluster.seen.keys()) missing.delete(outcome);
  }
  assert.deepEqual([...missing], []);
});
