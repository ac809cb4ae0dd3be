// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Certainty, sendTime } from "../../../src/drivers/cluster/certainty.ts";
import { ManualClock } from "../../../src/testing/manual_clock.ts";

const CERTAIN_MS = 1_000;

function rig() {
  const clock = new ManualClock({ monotonicMs: 50 });
  const certainty = new Certainty(clock, CERTAIN_MS);
  return { clock, certainty };
}

/** The machine sleeps: only the wall clock goes on. */
function sleep(clock: ManualClock, ms: number): void {
  clock.jumpTo(clock.nowMs() + ms);
}

Deno.test("Certainty begins without any", () => {
  const { certainty } = rig();
  assert.equal(certainty.until(), -Infinity);
  assert.equal(certainty.isCertain, false);
});

Deno.test("Certainty counts from the sending, not from the answer", () => {
  const { clock, certainty } = rig();
  const sent = certainty.mark();
  clock.pause(400);
  certainty.extend(sent);
  assert.equal(certainty.until(), 50 + CERTAIN_MS);
});

Deno.test("Certainty ends to the millisecond", () => {
  const { clock, certainty } = rig();
  certainty.extend(certainty.mark());
  clock.pause(CERTAIN_MS - 1);
  assert.equal(certainty.isCertain, true);
  clock.pause(1);
  assert.equal(certainty.isCertain, false);
});

Deno.test("Certainty is not moved back by a heartbeat that was sent before", () => {
  const { clock, certainty } = rig();
  const early = sendTime(clock);
  clock.pause(100);
  certainty.extend(certainty.mark());
  const untilMs = certainty.until();
  certainty.extend(early);
  assert.equal(certainty.until(), untilMs);
});

Deno.test("Certainty is extended by an answer that comes after it has lapsed, if that was sent late enough", () => {
  const { clock, certainty } = rig();
  certainty.extend(certainty.mark());
  clock.pause(CERTAIN_MS + 500);
  assert.equal(certainty.isCertain, false);
  const sent = certainty.mark();
  clock.pause(100);
  certainty.extend(sent);
  assert.equal(certainty.isCertain, true);
  assert.equal(certainty.until(), sent.monotonicMs + CERTAIN_MS);
});

Deno.test("Certainty does not come back after its end", () => {
  const { clock, certainty } = rig();
  certainty.extend(certainty.mark());
  const underWay = certainty.mark();
  certainty.end();
  assert.equal(certainty.until(), -Infinity);
  clock.pause(1);
  certainty.extend(underWay);
  certainty.extend(certainty.mark());
  assert.equal(certainty.until(), -Infinity);
});

Deno.test("Certainty is used up by the sleep of the machine", () => {
  const { clock, certainty } = rig();
  certainty.extend(certainty.mark());
  clock.pause(300);
  sleep(clock, 600);
  assert.equal(certainty.until() - clock.monotonicMs(), 100);
  sleep(clock, 100);
  assert.equal(certainty.isCertain, false);
});

Deno.test("Certainty that sleep has ended comes back only with a heartbeat that was sent after it", () => {
  const { clock, certainty } = rig();
  certainty.extend(certainty.mark());
  clock.pause(1);
  const before = certainty.mark();
  sleep(clock, CERTAIN_MS);
  certainty.extend(before);
  assert.equal(certainty.isCertain, false);
  clock.pause(1);
  certainty.extend(certainty.mark());
  assert.equal(certainty.isCertain, true);
});

Deno.test("Certainty that the wall clock has ended does not come back with that clock", () => {
  const { clock, certainty } = rig();
  certainty.extend(certainty.mark());
  clock.jumpTo(clock.nowMs() + 3_600_000);
  assert.equal(certainty.isCertain, false);
  clock.jumpTo(clock.nowMs() - 3_600_000);
  assert.equal(certainty.isCertain, false);
});

Deno.test("Certainty is not changed by a wall clock that steps back", () => {
  const { clock, certainty } = rig();
  certainty.extend(certainty.mark());
  const untilMs = certainty.until();
  clock.jumpTo(clock.nowMs() - 3_600_000);
  assert.equal(certainty.until(), untilMs);
});

Deno.test("Certainty sees the sleep after a step back, before and after a heartbeat", () => {
  const { clock, certainty } = rig();
  certainty.extend(certainty.mark());
  clock.jumpTo(clock.nowMs() - 5_000);
  assert.equal(certainty.isCertain, true);
  sleep(clock, CERTAIN_MS);
  assert.equal(certainty.isCertain, false);
  clock.pause(1);
  const sent = certainty.mark();
  clock.jumpTo(clock.nowMs() - 5_000);
  assert.equal(certainty.isCertain, false);
  sleep(clock, CERTAIN_MS);
  certainty.extend(sent);
  assert.equal(certainty.isCertain, false);
});

Deno.test("Certainty keeps the sleep during a heartbeat although the wall clock steps back before its answer", () => {
  const { clock, certainty } = rig();
  certainty.extend(certainty.mark());
  clock.pause(1);
  const sent = certainty.mark();
  sleep(clock, CERTAIN_MS);
  assert.equal(certainty.isCertain, false);
  clock.jumpTo(clock.nowMs() - CERTAIN_MS);
  certainty.extend(sent);
  assert.equal(certainty.isCertain, false);
  clock.pause(1);
  certainty.extend(certainty.mark());
  assert.equal(certainty.isCertain, true);
});

Deno.test("Certainty forgets a step of the wall clock with the next heartbeat", () => {
  const { clock, certainty } = rig();
  certainty.extend(certainty.mark());
  clock.jumpTo(clock.nowMs() - 5_000);
  assert.equal(certainty.isCertain, true);
  clock.jumpTo(clock.nowMs() + 5_000);
  assert.equal(certainty.isCertain, false);
  clock.pause(1);
  certainty.extend(certainty.mark());
  assert.equal(certainty.isCertain, true);
});
