// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { SystemClock } from "../../src/clock/system_clock.ts";
import { DeadlineQueue } from "../../src/http2/deadline_queue.ts";
import { until } from "../net/_support/until.ts";

Deno.test("DeadlineQueue.add() expires waits in their order, each once", async () => {
  const queue = new DeadlineQueue(5, new SystemClock());
  const expired: number[] = [];
  for (let i = 0; i < 3; i++) queue.add(() => expired.push(i));
  await until("three expiries", () => expired.length >= 3);
  assert.deepEqual(expired, [0, 1, 2]);
  queue.clear();
});

Deno.test("DeadlineQueue.add() expires no wait before its time", async () => {
  const queue = new DeadlineQueue(20, new SystemClock());
  const early: number[] = [];
  let left = 50;
  for (let i = 0; i < 50; i++) {
    const deadline = queue.add(() => {
      left -= 1;
      if (performance.now() < deadline.atMs) early.push(i);
    });
    await Promise.resolve();
  }
  await until("fifty expiries", () => left === 0);
  assert.deepEqual(early, []);
  queue.clear();
});

Deno.test("DeadlineQueue.remove() ends a wait, and the others stay", async () => {
  const queue = new DeadlineQueue(5, new SystemClock());
  const expired: string[] = [];
  const first = queue.add(() => expired.push("first"));
  queue.add(() => expired.push("second"));
  queue.remove(first);
  queue.remove(first);
  queue.remove(undefined);
  await until("the second", () => expired.length > 0);
  assert.deepEqual(expired, ["second"]);
  queue.clear();
});

Deno.test("DeadlineQueue.add() starts waits from within an expiry", async () => {
  const queue = new DeadlineQueue(2, new SystemClock());
  let rounds = 0;
  const again = () => {
    rounds += 1;
    if (rounds < 5) queue.add(again);
  };
  queue.add(again);
  await until("five rounds", () => rounds === 5);
  queue.clear();
});

Deno.test("DeadlineQueue.remove() works from within the expiry of another wait", async () => {
  const queue = new DeadlineQueue(2, new SystemClock());
  const expired: string[] = [];
  queue.add(() => {
    expired.push("first");
    queue.remove(second);
  });
  const second = queue.add(() => expired.push("second"));
  queue.add(() => expired.push("third"));
  await until("the third", () => expired.includes("third"));
  assert.deepEqual(expired, ["first", "third"]);
  queue.clear();
});

Deno.test("DeadlineQueue.clear() leaves no timer behind", () => {
  const queue = new DeadlineQueue(60_000, new SystemClock());
  queue.add(() => assert.fail("it was cleared"));
  queue.clear();
});
