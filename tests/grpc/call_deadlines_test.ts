// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { CallDeadlines } from "../../src/grpc/call_deadlines.ts";
import { ManualClock } from "../../src/testing/manual_clock.ts";

function rig() {
  const clock = new ManualClock();
  const expired: string[] = [];
  const call = (name: string) => ({ expire: () => void expired.push(name) });
  return { clock, expired, call, deadlines: new CallDeadlines(clock) };
}

Deno.test("CallDeadlines ends each call in its time, with one timer for all", async () => {
  const { clock, expired, call, deadlines } = rig();
  deadlines.add(call("later"), 500);
  deadlines.add(call("sooner"), 100);
  deadlines.add(call("between"), 300);
  assert.equal(clock.sleeping, 1);
  await clock.advance(99);
  assert.deepEqual(expired, []);
  await clock.advance(1);
  assert.deepEqual(expired, ["sooner"]);
  await clock.advance(200);
  assert.deepEqual(expired, ["sooner", "between"]);
  await clock.advance(200);
  assert.deepEqual(expired, ["sooner", "between", "later"]);
  assert.equal(clock.sleeping, 0);
});

Deno.test("CallDeadlines leaves calls alone that have ended, and its timer goes with the last", async () => {
  const { clock, expired, call, deadlines } = rig();
  for (let i = 0; i < 1_000; i++) {
    const each = call(`${i}`);
    deadlines.add(each, 2_000);
    deadlines.remove(each);
  }
  assert.equal(clock.sleeping, 1);
  await clock.advance(2_000);
  assert.deepEqual([expired, clock.sleeping], [[], 0]);
});

Deno.test("CallDeadlines.clear() forgets all calls and the timer, and can be used again", async () => {
  const { clock, expired, call, deadlines } = rig();
  deadlines.add(call("forgotten"), 100);
  deadlines.clear();
  await clock.advance(200);
  deadlines.add(call("new"), 100);
  await clock.advance(100);
  assert.deepEqual(expired, ["new"]);
});
