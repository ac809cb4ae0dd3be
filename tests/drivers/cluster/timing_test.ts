// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { leaseTiming, retryPauseMs } from "../../../src/drivers/cluster/timing.ts";

Deno.test("leaseTiming() keeps a margin of a twentieth on both sides of the lease", () => {
  assert.deepEqual(leaseTiming(1_500), {
    leaseMs: 1_500,
    certainMs: 1_425,
    silenceMs: 1_575,
    beatEveryMs: 375,
    beatTimeoutMs: 450,
    retryMs: 50,
  });
});

Deno.test("leaseTiming() keeps a margin of at least 10 ms", () => {
  const { certainMs, silenceMs } = leaseTiming(300);
  assert.deepEqual([certainMs, silenceMs], [285, 315]);
  for (const leaseMs of [300, 301, 500, 60_000]) {
    const timing = leaseTiming(leaseMs);
    assert(timing.silenceMs - timing.certainMs >= 20);
    // One clock at its slowest, another at its fastest.
    assert(timing.certainMs / 0.951 < timing.silenceMs / 1.049);
  }
});

Deno.test("leaseTiming() leaves time for another heartbeat when one is not answered", () => {
  for (const leaseMs of [300, 500, 1_500, 60_000]) {
    const { beatEveryMs, beatTimeoutMs, retryMs, certainMs } = leaseTiming(leaseMs);
    assert(beatEveryMs + 2 * beatTimeoutMs + retryMs < certainMs);
  }
});

Deno.test("leaseTiming() refuses a lease out of range, and names option, range and value", () => {
  for (const leaseMs of [299, 60_001, NaN, -1, Infinity]) {
    assert.throws(() => leaseTiming(leaseMs), {
      name: "RangeError",
      message:
        `Cannot make a driver as 'leaseMs' must be 300 to 60000: current value is ${leaseMs}`,
    });
  }
});

Deno.test("retryPauseMs() doubles the pause up to the time between heartbeats", () => {
  const timing = leaseTiming(1_500);
  const pauses = [1, 2, 3, 4, 5, 1_000].map((failures) => retryPauseMs(timing, failures));
  assert.deepEqual(pauses, [50, 100, 200, 375, 375, 375]);
});
