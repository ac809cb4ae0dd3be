// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { Sample, SampleSetup } from "../../bench/failover/samples.ts";
import { parseSamples } from "../../bench/failover/samples.ts";
import { formatSamples } from "../../bench/failover/tables.ts";

const SETUP: SampleSetup = { engine: "etcd", leaseMs: 1_500, windowAheadMs: 3_000 };

function rowsOf(samples: readonly Sample[]): readonly (readonly string[])[] {
  const lines = formatSamples(samples).split("\n").filter((line) => line.startsWith("|"));
  return lines.map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
}

Deno.test("formatSamples() says p50, p99, the maximum and how many samples there were", () => {
  const samples = Array.from({ length: 200 }, (_, index): Sample => {
    return { ...SETUP, kind: "fail-over", fault: "kill", ms: 200 - index };
  });
  const [, , row] = rowsOf(samples);
  assert.deepEqual(row, ["kill", "etcd", "1,500", "3,000", "200", "100", "198", "200"]);
});

Deno.test("formatSamples() keeps setups and faults apart", () => {
  const sample: Sample = { ...SETUP, kind: "pause", fault: "kill", ms: 1 };
  const others = [{ ...sample, leaseMs: 500 }, { ...sample, fault: "stop" }];
  assert.equal(rowsOf([sample, ...others, sample]).length, 2 + 3);
});

Deno.test("formatSamples() adds up the calls of rolling restarts", () => {
  const sample: Sample = { ...SETUP, kind: "rolling restart", calls: 1_000, failedCalls: 1 };
  const [, , row] = rowsOf([sample, { ...sample, failedCalls: 0 }]);
  assert.deepEqual(row, ["etcd", "1,500", "2", "2,000", "1"]);
});

Deno.test("formatSamples() has nothing to say of nothing", () => {
  assert.equal(formatSamples([]), "");
});

Deno.test("parseSamples() reads a line per sample", () => {
  const sample: Sample = { ...SETUP, kind: "pause", fault: "kill", ms: 1.5 };
  const line = `${JSON.stringify(sample)}\n`;
  assert.deepEqual(parseSamples(line + line), [sample, sample]);
});
