// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { LeadershipEvent } from "../../../src/consensus/driver.ts";
import { settle } from "../../../src/testing/manual_clock.ts";
import { DriverRig, LEASE_MS, LOST } from "./_support/driver_rig.ts";

const CERTAIN_MS = LEASE_MS * 0.95;
const SILENCE_MS = LEASE_MS * 1.05;
const BEAT_MS = LEASE_MS / 4;

function kinds(events: readonly LeadershipEvent[]): string[] {
  return events.map(({ kind }) => kind);
}

Deno.test("the first node of a new cluster leads at once, certain from the sending of its take-over", async () => {
  await using rig = new DriverRig();
  rig.plan("takeOver", { requestMs: 50, answerMs: 100 });
  await rig.join();
  assert.deepEqual(rig.events, [{ kind: "unknown" }]);
  await rig.pass(150);
  assert.deepEqual(kinds(rig.events), ["unknown", "leader"]);
  assert.equal(rig.certainMs, CERTAIN_MS - 150);
  assert.equal(rig.engine.standing.term?.epoch, rig.leadership.epoch);
});

Deno.test("a leader sends heartbeats, and each extends certainty from its sending", async () => {
  await using rig = await new DriverRig().join();
  rig.plan("beat", { requestMs: 30, answerMs: 50 });
  await rig.pass(BEAT_MS + 79);
  assert.equal(rig.certainMs, CERTAIN_MS - BEAT_MS - 79);
  await rig.pass(1);
  assert.equal(rig.certainMs, CERTAIN_MS - 80);
  await rig.pass(20 * BEAT_MS);
  assert.equal(rig.calls("beat"), 21);
  assert.equal(rig.metrics.total("tsoracle.driver.heartbeats.total"), 21);
  assert.deepEqual(kinds(rig.events), ["unknown", "leader"]);
});

Deno.test("a heartbeat that is done and not answered extends nothing, and is repeated soon", async () => {
  await using rig = await new DriverRig().join();
  const before = rig.engine.standing.beat;
  rig.plan("beat", { requestMs: 0, answerMs: Infinity });
  await rig.pass(BEAT_MS + 1);
  assert.notEqual(rig.engine.standing.beat, before);
  await rig.pass(CERTAIN_MS - BEAT_MS - 2);
  // A wall clock of whole milliseconds makes it a little shorter, never longer.
  assert(rig.certainMs > 0 && rig.certainMs <= 1, `${rig.certainMs}`);
  assert(rig.calls("beat") >= 2);
  await rig.pass(1);
  assert(rig.certainMs <= 0);
});

Deno.test("a leader that was cut off serves again by the next heartbeat, without a new term", async () => {
  await using rig = await new DriverRig().join();
  const { epoch } = rig.leadership;
  rig.link.cut();
  await rig.pass(10 * LEASE_MS);
  assert(rig.certainMs < 0);
  assert.equal(rig.metrics.total("tsoracle.driver.certainty_lost.total"), 1);
  rig.link.mend();
  await rig.pass(2 * BEAT_MS);
  assert(rig.certainMs > 0);
  assert.equal(rig.leadership.epoch, epoch);
  assert.deepEqual(kinds(rig.events), ["unknown", "leader"]);
});

Deno.test("a standby takes over after the lease and the margin of silence, and no earlier", async () => {
  await using one = await new DriverRig().join();
  await using two = await one.beside("b").join();
  assert.deepEqual(two.event, {
    kind: "follower",
    leaderEpoch: one.leadership.epoch,
    leaderEndpoint: { host: "a", port: 1 },
  });
  await two.pass(3 * BEAT_MS);
  one.link.cut();
  await two.pass(SILENCE_MS - 1);
  assert.equal(two.calls("takeOver"), 0);
  await two.pass(1);
  assert.equal(two.state(), "leader");
  assert(two.leadership.epoch > one.leadership.epoch);
  assert(one.certainMs < 0);
  one.link.mend();
  await one.pass(BEAT_MS);
  assert.deepEqual(one.event, {
    kind: "follower",
    leaderEpoch: two.leadership.epoch,
    leaderEndpoint: { host: "b", port: 1 },
  });
});

Deno.test("a gap of the watch starts the silence anew", async () => {
  await using one = await new DriverRig().join();
  await using two = await one.beside("b").join();
  one.link.cut();
  await two.pass(SILENCE_MS - 10);
  two.link.interruptWatches();
  await settle();
  await two.pass(SILENCE_MS - 1);
  assert.equal(two.calls("takeOver"), 0);
  assert.equal(two.metrics.total("tsoracle.driver.watch_gaps.total"), 1);
  await two.pass(1);
  assert.equal(two.state(), "leader");
});

Deno.test("a standby whose watch is silent does not depose a leader that lives", async () => {
  await using one = await new DriverRig().join();
  await using two = one.beside("b");
  // Its watch connects, and then brings nothing.
  const listeners = [...one.engine.listeners];
  await two.join();
  for (const listener of one.engine.listeners) {
    if (!listeners.includes(listener)) one.engine.listeners.delete(listener);
  }
  await two.pass(20 * LEASE_MS);
  assert(two.metrics.total("tsoracle.driver.take_overs_lost.total") > 0);
  assert.equal(two.metrics.total("tsoracle.driver.take_overs.total"), 0);
  assert(one.certainMs > 0);
});

Deno.test("a take-over that the engine does not get is repeated soon, as the silence goes on", async () => {
  await using one = await new DriverRig().join();
  await using two = await one.beside("b").join();
  one.link.cut();
  two.plan("takeOver", { requestMs: Infinity, answerMs: 0, fault: "transient" });
  await two.pass(SILENCE_MS + 100);
  assert.notEqual(two.state(), "leader");
  two.planNothing();
  await two.pass(BEAT_MS);
  assert.equal(two.state(), "leader");
});

Deno.test("several standbys: one leads, and the others learn of it", async () => {
  const one = await new DriverRig().join();
  const others = await Promise.all(["b", "c", "d"].map((host) => one.beside(host).join()));
  one.link.cut();
  await one.pass(SILENCE_MS + 50);
  assert.deepEqual(others.map((rig) => rig.state()).sort(), [
    "follower",
    "follower",
    "leader",
  ]);
  for (const rig of [one, ...others]) await rig.close();
});

Deno.test("a standby says unknown once the engine has not been heard of for a lease", async () => {
  await using one = await new DriverRig().join();
  await using two = await one.beside("b").join();
  await two.pass(BEAT_MS);
  two.link.cut();
  await two.pass(LEASE_MS - 1);
  assert.equal(two.state(), "follower");
  await two.pass(1);
  assert.equal(two.state(), "unknown");
  two.link.mend();
  await two.pass(BEAT_MS);
  assert.equal(two.state(), "follower");
});

Deno.test("a restarted process waits for its predecessor's term, and hints at nobody meanwhile", async () => {
  await using one = await new DriverRig().join();
  one.link.cut();
  await using again = await one.beside("a").join();
  assert.deepEqual(again.event, { kind: "follower", leaderEpoch: one.leadership.epoch });
  await again.pass(SILENCE_MS);
  assert.equal(again.state(), "leader");
});

Deno.test("a stream that ends gives the term up: another leads at once", async () => {
  await using one = await new DriverRig().join();
  await using two = await one.beside("b").join();
  one.leave();
  assert.equal(one.certainMs, -Infinity);
  await settle(200);
  assert.equal(two.state(), "leader");
  assert.match(String(one.end), /left/);
  assert.equal(one.metrics.total("tsoracle.driver.resignations.total"), 1);
});

Deno.test("a later stream of the same driver takes part again, after the term before it was given up", async () => {
  await using one = await new DriverRig().join();
  const { epoch } = one.leadership;
  one.plan("resign", { requestMs: 100, answerMs: 0 });
  one.leave();
  await one.join();
  assert.equal(one.state(), "unknown");
  await one.pass(150);
  assert(one.leadership.epoch > epoch);
  assert(one.certainMs > 0);
});

Deno.test("a term whose resignation was not answered is not adopted by a later stream", async () => {
  await using one = await new DriverRig().join();
  const { epoch } = one.leadership;
  // It arrives when the next stream may be led: to be certain then under the same term would be wrong.
  one.plan("resign", { requestMs: 100_000, answerMs: 0 });
  one.leave();
  await one.join();
  await one.pass(2 * LEASE_MS);
  assert(one.certainMs < 0);
  await one.pass(4 * LEASE_MS);
  assert(one.leadership.epoch > epoch);
  assert(one.certainMs > 0);
});

Deno.test("a second consumer is refused while one reads, and told why", async () => {
  await using rig = await new DriverRig().join();
  const second = rig.driver.leadershipEvents({ signal: new AbortController().signal });
  await assert.rejects(second.next(), {
    code: "permanent",
    message:
      "Cannot read the leadership events as another consumer reads them: end its signal first",
  });
  await rig.pass(BEAT_MS);
  assert(rig.certainMs > 0);
});

Deno.test("nothing is asked of the engine before the first use", async () => {
  await using rig = new DriverRig();
  rig.driver.leadershipEvents({ signal: new AbortController().signal });
  await rig.pass(LEASE_MS);
  assert.deepEqual(rig.link.sent, []);
});

Deno.test("an engine that is away is asked again and again, with pauses", async () => {
  await using rig = new DriverRig();
  for (const method of ["prepare", "readStanding", "takeOver"] as const) {
    rig.plan(method, { requestMs: Infinity, answerMs: 0, fault: "unavailable" });
  }
  await rig.join();
  await rig.pass(60_000);
  const prepares = rig.calls("prepare");
  assert(prepares > 60 && prepares < 400, `${prepares}`);
  rig.planNothing();
  for (const method of ["readStanding", "takeOver"] as const) rig.plan(method, LOST);
  await rig.pass(60_000);
  rig.planNothing();
  rig.plan("takeOver", { requestMs: Infinity, answerMs: 0, fault: "transient" });
  await rig.pass(60_000);
  const attempts = rig.calls("takeOver");
  assert(attempts > 60 && attempts < 400, `${attempts}`);
  rig.planNothing();
  await rig.pass(LEASE_MS);
  assert.equal(rig.state(), "leader");
});

Deno.test("the machine sleeps: the leader is not certain when it wakes, and another may lead", async () => {
  await using one = await new DriverRig().join();
  const wakeMs = one.clock.nowMs() + 3_600_000;
  one.clock.jumpTo(wakeMs);
  assert(one.certainMs < 0);
  await one.pass(2 * BEAT_MS);
  assert(one.certainMs > 0);
});
