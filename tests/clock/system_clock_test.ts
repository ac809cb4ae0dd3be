// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { SystemClock } from "../../src/clock/system_clock.ts";

Deno.test("SystemClock reads whole milliseconds, and a monotonic clock that does not go back", () => {
  const clock = new SystemClock();
  assert(Number.isInteger(clock.nowMs()));
  const readings = Array.from({ length: 1_000 }, () => clock.monotonicMs());
  assert.deepEqual(readings, readings.toSorted((a, b) => a - b));
});

Deno.test("SystemClock.delay() ends with its signal and leaves no timer", async () => {
  const gone = new AbortController();
  const waiting = assert.rejects(new SystemClock().delay(1e9, { signal: gone.signal }), {
    name: "AbortError",
  });
  gone.abort();
  await waiting;
});

Deno.test("SystemClock.delay() beyond the longest timer waits; it does not fire at once", async () => {
  const gone = new AbortController();
  const clock = new SystemClock();
  const first = await Promise.race([
    clock.delay(2 ** 40, { signal: gone.signal }).then(() => "long", () => "stopped"),
    clock.delay(1).then(() => "short"),
  ]);
  gone.abort();
  assert.equal(first, "short");
});
