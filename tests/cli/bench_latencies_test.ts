// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Latencies } from "../../src/cli/bench/latencies.ts";

Deno.test("Latencies keeps percentiles to two thousandths and the maximum exactly", () => {
  const latencies = new Latencies();
  for (let ms = 1; ms <= 1_000; ms++) latencies.record(ms);
  const { p50Ms, p99Ms, p999Ms, maxMs } = latencies.figures();
  for (const [found, expected] of [[p50Ms, 500], [p99Ms, 990], [p999Ms, 999]] as const) {
    assert.ok(Math.abs(found - expected) <= expected / 500, `${found} instead of ${expected}`);
  }
  assert.equal(maxMs, 1_000);
});

Deno.test("Latencies of nothing are 0", () => {
  const { p50Ms, maxMs } = new Latencies().figures();
  assert.deepEqual([p50Ms, maxMs], [0, 0]);
});

Deno.test("Latencies holds microseconds and minutes side by side", () => {
  const latencies = new Latencies();
  for (let call = 0; call < 9_999; call++) latencies.record(0.002);
  latencies.record(60_000);
  const { p50Ms, p99Ms, p999Ms, maxMs } = latencies.figures();
  for (const found of [p50Ms, p99Ms, p999Ms]) assert.ok(Math.abs(found - 0.002) < 1e-5, `${found}`);
  assert.equal(maxMs, 60_000);
  assert.equal(latencies.size, 10_000);
});
