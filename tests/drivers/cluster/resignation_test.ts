// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { settle } from "../../../src/testing/manual_clock.ts";
import { DriverRig, LEASE_MS, LOST, UNANSWERED } from "./_support/driver_rig.ts";

const BEAT_MS = LEASE_MS / 4;

Deno.test("resign() ends certainty, lets the heartbeat settle, and only then writes", async () => {
  await using one = await new DriverRig().join();
  await using two = await one.beside("b").join();
  one.plan("beat", { requestMs: 0, answerMs: 100 });
  await one.pass(BEAT_MS + 1);
  const resigned = one.driver.resign({ signal: new AbortController().signal });
  assert.equal(one.certainMs, -Infinity);
  await one.pass(98);
  assert.equal(one.calls("resign"), 0);
  await one.pass(1);
  assert.equal(await resigned, true);
  assert.equal(one.calls("resign"), 1);
  assert.equal(one.certainMs, -Infinity);
  assert.equal(two.state(), "leader");
  assert.deepEqual(one.event, {
    kind: "follower",
    leaderEpoch: two.leadership.epoch,
    leaderEndpoint: { host: "b", port: 1 },
  });
});

Deno.test("resign() is for good: the node does not lead when its successor ends, nor by a new stream", async () => {
  await using one = await new DriverRig().join();
  await using two = await one.beside("b").join();
  assert.equal(await one.driver.resign({ signal: new AbortController().signal }), true);
  two.leave();
  await one.pass(10 * LEASE_MS);
  assert.equal(one.state(), "unknown");
  one.leave();
  await one.join();
  await one.pass(10 * LEASE_MS);
  assert.equal(one.state(), "unknown");
  assert.equal(one.metrics.total("tsoracle.driver.take_overs.total"), 1);
});

Deno.test("resign() that nobody follows waits until its signal, and says so", async () => {
  await using one = await new DriverRig().join();
  const stop = new AbortController();
  const resigned = one.driver.resign({ signal: stop.signal });
  await one.pass(5 * LEASE_MS);
  stop.abort();
  assert.equal(await resigned, false);
  assert.equal(one.engine.standing.resigned, true);
});

Deno.test("resign() of a node that does not lead tells at once whether another does", async () => {
  await using one = await new DriverRig().join();
  await using two = await one.beside("b").join();
  assert.equal(await two.driver.resign({ signal: new AbortController().signal }), true);
  one.leave();
  await two.pass(10 * LEASE_MS);
  assert.equal(two.metrics.total("tsoracle.driver.take_overs.total"), 0);
  await using three = new DriverRig();
  assert.equal(await three.driver.resign({ signal: new AbortController().signal }), false);
});

Deno.test("resign() during a take-over: the term is given up and never led", async () => {
  await using one = new DriverRig();
  one.plan("takeOver", { requestMs: 50, answerMs: 50 });
  await one.join();
  const resigned = one.driver.resign({ signal: new AbortController().signal });
  await using two = await one.beside("b").join();
  await one.pass(150);
  assert.equal(await resigned, true);
  assert(!one.events.some(({ kind }) => kind === "leader"));
  assert.equal(two.state(), "leader");
});

Deno.test("resign() during a take-over that is not answered: the term is given up when it is found", async () => {
  await using one = new DriverRig();
  one.plan("takeOver", UNANSWERED);
  await one.join();
  const resigned = one.driver.resign({ signal: new AbortController().signal });
  await using two = await one.beside("b").join();
  await one.pass(LEASE_MS + 50);
  assert.equal(await resigned, true);
  assert(!one.events.some(({ kind }) => kind === "leader"));
  assert.equal(two.state(), "leader");
});

Deno.test("resign() that is not answered is repeated, and a late repetition does not hurt the successor", async () => {
  await using one = await new DriverRig().join();
  await using two = await one.beside("b").join();
  one.plan("resign", { requestMs: 10_000, answerMs: 0 });
  const resigned = one.driver.resign({ signal: new AbortController().signal });
  await one.pass(LEASE_MS + 10);
  one.plan("resign", UNANSWERED);
  await one.pass(LEASE_MS + 100);
  assert.equal(two.state(), "leader");
  const { epoch } = two.leadership;
  assert.equal(await resigned, true);
  await one.pass(20_000);
  assert.equal(two.leadership.epoch, epoch);
  assert(two.certainMs > 0);
});

Deno.test("resign() that cannot be written ends by silence: another leads after a lease and the margin", async () => {
  await using one = await new DriverRig().join();
  await using two = await one.beside("b").join();
  one.plan("resign", LOST);
  const resigned = one.driver.resign({ signal: new AbortController().signal });
  await one.pass(1.05 * LEASE_MS);
  assert.equal(two.state(), "leader");
  // Its own write is given up after its timeout; then the successor counts.
  await one.pass(3 * LEASE_MS);
  assert.equal(await resigned, true);
});

Deno.test("close() gives the term up, ends the stream, and can be called again", async () => {
  await using one = await new DriverRig().join();
  await using two = await one.beside("b").join();
  await one.driver.close();
  await one.driver.close();
  await settle(200);
  assert.match(String(one.end), /Cannot use the driver as it is closed/);
  assert.equal(two.state(), "leader");
  await assert.rejects(one.driver.loadHighWater(), /closed/);
  await assert.rejects(one.driver.advanceDense({ key: "a", count: 1 }, 1n), {
    code: "unavailable",
  });
});

Deno.test("close() of an engine that is silent ends all the same", async () => {
  const one = await new DriverRig().join();
  one.link.cut();
  const startedMs = one.clock.monotonicMs();
  await one.close();
  assert(one.clock.monotonicMs() - startedMs < 5 * LEASE_MS);
});
