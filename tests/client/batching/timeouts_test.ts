// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { EXPIRED, Timeouts } from "../../../src/client/batching/timeouts.ts";
import { ManualClock } from "../../../src/testing/manual_clock.ts";
import { CoalescerRig } from "../_support/stub_source.ts";

Deno.test("Timeouts.begin() needs one timer for all waits that end in the same millisecond", async () => {
  const clock = new ManualClock();
  const timeouts = new Timeouts(clock);
  const ticks = Array.from({ length: 1_000 }, () => timeouts.begin(50));
  assert.equal(clock.sleeping, 1);
  await clock.advance(49);
  assert.equal(ticks.some(({ signal }) => signal.aborted), false);
  await clock.advance(1);
  assert.ok(ticks.every(({ signal }) => signal.aborted && signal.reason === EXPIRED));
});

Deno.test("Timeouts.begin() never ends a wait early, also between two milliseconds", async () => {
  const clock = new ManualClock({ monotonicMs: 0.75 });
  const timeouts = new Timeouts(clock);
  const tick = timeouts.begin(1.5);
  await clock.advance(1.5);
  assert.equal(tick.signal.aborted, false);
  await clock.advance(1);
  assert.equal(tick.signal.aborted, true);
});

Deno.test("Timeouts.end() removes the timer with the last wait, and not one of the others", async () => {
  const clock = new ManualClock();
  const timeouts = new Timeouts(clock);
  const [first, second] = [timeouts.begin(50), timeouts.begin(50)];
  const other = timeouts.begin(60);
  assert.equal(clock.sleeping, 2);
  timeouts.end(first);
  assert.equal(clock.sleeping, 2);
  timeouts.end(second);
  await clock.advance(0);
  assert.equal(clock.sleeping, 1);
  const late = timeouts.begin(50);
  await clock.advance(60);
  assert.deepEqual([first, late, other].map(({ signal }) => signal.aborted), [false, true, true]);
  timeouts.end(late);
  assert.equal(clock.sleeping, 0);
});

Deno.test("Timeouts.end() of a wait that is over leaves a new one of the same millisecond alone", async () => {
  const clock = new ManualClock();
  const timeouts = new Timeouts({
    nowMs: () => clock.nowMs(),
    // A runtime whose timers fire a millisecond early.
    monotonicMs: () => clock.monotonicMs(),
    delay: (ms, options) => clock.delay(ms - 1, options),
  });
  const old = timeouts.begin(10);
  await clock.advance(9);
  assert.equal(old.signal.aborted, true);
  const renewed = timeouts.begin(1);
  timeouts.end(old);
  await clock.advance(1);
  assert.equal(renewed.signal.aborted, true);
});

Deno.test("Coalescer.take() has one timer for callers that come together, and none once they are answered", async () => {
  const rig = new CoalescerRig();
  const calls = Array.from({ length: 100 }, () => rig.coalescer.take(1, { timeoutMs: 5_000 }));
  await rig.clock.advance(0);
  assert.equal(rig.clock.sleeping, 1);
  rig.source.request(0).grant(1);
  await Promise.all(calls);
  await rig.clock.advance(0);
  assert.equal(rig.clock.sleeping, 0);
});
