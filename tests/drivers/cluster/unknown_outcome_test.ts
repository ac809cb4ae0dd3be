// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { LeaseRecord } from "../../../src/core/lease_table.ts";
import { settle } from "../../../src/testing/manual_clock.ts";
import { DriverRig, LEASE_MS, LOST, UNANSWERED } from "./_support/driver_rig.ts";

const CERTAIN_MS = LEASE_MS * 0.95;

function leaseOf(leaseId: number): LeaseRecord {
  const holder = new Uint8Array([1]);
  const times = { ttlMs: 1_000, boundMs: 0, expiresAtMs: 0 };
  return { leaseId, holder, holderEpoch: 1n, ...times, superseded: false };
}

/** A promise, and what has become of it so far. */
function watched<T>(promise: Promise<T>): { outcome: unknown } {
  const watch: { outcome: unknown } = { outcome: "pending" };
  promise.then((value) => watch.outcome = value, (error: unknown) => watch.outcome = error);
  return watch;
}

Deno.test("a take-over that was done and not answered is adopted, certain from the sending of that attempt", async () => {
  await using rig = new DriverRig();
  rig.plan("takeOver", UNANSWERED);
  await rig.join();
  await rig.pass(LEASE_MS);
  assert.equal(rig.state(), "unknown");
  await rig.pass(LEASE_MS / 20);
  assert.equal(rig.calls("takeOver"), 1);
  assert.equal(rig.state(), "leader");
  assert.equal(rig.leadership.epoch, rig.engine.standing.term?.epoch);
  // That alone would be over by now; the heartbeat that was sent at once has made it certain again.
  assert(rig.certainMs > 0);
  assert.equal(rig.metrics.total("tsoracle.driver.take_overs.total"), 1);
});

Deno.test("a take-over that was done and not answered, while no heartbeat arrives, is led without certainty", async () => {
  await using rig = new DriverRig();
  rig.plan("takeOver", UNANSWERED);
  rig.plan("beat", LOST);
  await rig.join();
  await rig.pass(LEASE_MS * 1.05);
  assert.equal(rig.state(), "leader");
  assert(rig.certainMs <= CERTAIN_MS - LEASE_MS * 1.05);
});

Deno.test("a take-over that arrives after it was given up is adopted when it is found", async () => {
  await using rig = new DriverRig();
  rig.plan("takeOver", { requestMs: LEASE_MS + 400, answerMs: 0 });
  await rig.join();
  await rig.pass(LEASE_MS);
  assert.equal(rig.state(), "unknown");
  rig.plan("takeOver", LOST);
  await rig.pass(2 * LEASE_MS);
  assert.equal(rig.state(), "leader");
  assert.equal(rig.leadership.epoch, rig.engine.standing.term?.epoch);
  assert(rig.certainMs > 0);
});

Deno.test("a take-over that is answered when a later term is known already is not led", async () => {
  await using rig = new DriverRig();
  rig.plan("takeOver", { requestMs: 0, answerMs: 500 });
  await rig.join();
  const { engine } = rig;
  const claim = { id: "other", endpoint: { host: "b", port: 1 } };
  const later = engine.takeOver(engine.standing, claim);
  await rig.pass(600);
  const leaderEndpoint = claim.endpoint;
  assert.deepEqual(rig.event, {
    kind: "follower",
    leaderEpoch: later?.term?.epoch,
    leaderEndpoint,
  });
  assert(!rig.events.some(({ kind }) => kind === "leader"));
});

Deno.test("a take-over that arrives after the end of the stream is found and given up", async () => {
  await using rig = new DriverRig();
  rig.plan("takeOver", UNANSWERED);
  await rig.join();
  rig.leave();
  await rig.pass(LEASE_MS + 50);
  assert.equal(rig.engine.standing.resigned, true);
});

Deno.test("a heartbeat that arrives after the term was taken over changes nothing", async () => {
  await using one = await new DriverRig().join();
  await using two = await one.beside("b").join();
  one.plan("beat", { requestMs: 5 * LEASE_MS, answerMs: 0 });
  await one.pass(3 * LEASE_MS);
  assert.equal(two.state(), "leader");
  const { epoch } = two.leadership;
  await one.pass(10 * LEASE_MS);
  assert.equal(two.leadership.epoch, epoch);
  assert.equal(one.state(), "follower");
});

Deno.test("a persist that was done and not answered is transient, and the next sees it", async () => {
  await using rig = await new DriverRig().join();
  const { epoch } = rig.leadership;
  rig.plan("persistHighWater", UNANSWERED);
  const persist = watched(rig.driver.persistHighWater(5_000, epoch));
  await rig.pass(4_000);
  assert.equal((persist.outcome as { code?: string }).code, "transient");
  rig.planNothing();
  assert.equal(await rig.driver.loadHighWater(), 5_000);
  assert.equal(await rig.driver.persistHighWater(4_000, epoch), 5_000);
  const latencies = rig.metrics.durations
    .filter(({ name }) => name === "tsoracle.driver.persist_latency");
  assert.deepEqual(latencies.map(({ seconds }) => seconds), [4, 0]);
});

Deno.test("ordinals whose write never arrived are given to the next call of the term", async () => {
  await using rig = await new DriverRig().join();
  const { epoch } = rig.leadership;
  assert.equal(await rig.driver.advanceDense({ key: "a", count: 2 }, epoch), 0n);
  rig.plan("writeSequences", LOST);
  const lost = watched(rig.driver.advanceDense({ key: "a", count: 3 }, epoch));
  await rig.pass(4_000);
  assert.equal((lost.outcome as { code?: string }).code, "transient");
  rig.planNothing();
  assert.equal(rig.leadership.epoch, epoch);
  assert.equal(await rig.driver.advanceDense({ key: "a", count: 1 }, epoch), 2n);
});

Deno.test("ordinals whose write arrives between the reading and the write of the next call are not given again", async () => {
  await using rig = await new DriverRig().join();
  const { epoch } = rig.leadership;
  rig.plan("writeSequences", { requestMs: 5_000, answerMs: 0 });
  const late = watched(rig.driver.advanceDense({ key: "a", count: 3 }, epoch));
  await rig.pass(4_300);
  assert.equal((late.outcome as { code?: string }).code, "transient");
  rig.planNothing();
  rig.plan("readSequences", { requestMs: 0, answerMs: 800 });
  const next = watched(rig.driver.advanceDense({ key: "a", count: 1 }, epoch));
  await rig.pass(2_500);
  assert.equal(next.outcome, 3n);
});

Deno.test("ordinals whose write was done and not answered are taken once", async () => {
  await using rig = await new DriverRig().join();
  const { epoch } = rig.leadership;
  rig.plan("writeSequences", UNANSWERED);
  const first = rig.driver.advanceDense({ key: "a", count: 3 }, epoch);
  await rig.pass(500);
  rig.planNothing();
  await rig.pass(1_000);
  assert.equal(await first, 0n);
  assert.equal(rig.engine.sequences.counters.get("a"), 3n);
  assert.equal(await rig.driver.advanceDense({ key: "a", count: 1 }, epoch), 3n);
});

Deno.test("ordinals whose write was lost are taken once, by its repetition", async () => {
  await using rig = await new DriverRig().join();
  const { epoch } = rig.leadership;
  rig.plan("writeSequences", LOST);
  const first = rig.driver.advanceDense({ key: "a", count: 3 }, epoch);
  await rig.pass(500);
  rig.planNothing();
  await rig.pass(1_000);
  assert.equal(await first, 0n);
  assert.equal(rig.engine.sequences.counters.get("a"), 3n);
});

Deno.test("ordinals whose write is not answered in time: nobody knows, and the next call asks the engine", async () => {
  await using rig = await new DriverRig().join();
  const { epoch } = rig.leadership;
  rig.plan("writeSequences", { requestMs: 0, answerMs: Infinity });
  rig.plan("readSequences", { requestMs: 0, answerMs: 0 });
  const call = watched(rig.driver.advanceDense({ key: "a", count: 3 }, epoch));
  await settle(200);
  rig.plan("readSequences", LOST);
  await rig.pass(4_000);
  assert.match(String(call.outcome), /TransientError: /);
  rig.planNothing();
  const next = rig.driver.advanceDense({ key: "a", count: 1 }, epoch);
  await rig.pass(4_000);
  assert.equal(await next, 3n);
});

Deno.test("ordinals whose write was done by the time that the term was over are given all the same", async () => {
  await using one = await new DriverRig().join();
  const { epoch } = one.leadership;
  one.plan("writeSequences", UNANSWERED);
  const call = one.driver.advanceDense({ key: "a", count: 3 }, epoch);
  await settle(200);
  const { engine } = one;
  assert(engine.takeOver(engine.standing, { id: "other", endpoint: { host: "b", port: 1 } }));
  one.planNothing();
  await one.pass(2_000);
  assert.equal(await call, 0n);
});

Deno.test("ordinals whose write was lost when the term ended: a refusal is not believed", async () => {
  await using one = await new DriverRig().join();
  const { epoch } = one.leadership;
  one.plan("writeSequences", LOST);
  const call = watched(one.driver.advanceDense({ key: "a", count: 3 }, epoch));
  await settle(200);
  const { engine } = one;
  const next = engine.takeOver(engine.standing, {
    id: "other",
    endpoint: { host: "b", port: 1 },
  });
  // The successor writes as well, so that the store does not tell any more who wrote before.
  const { version } = engine.sequences;
  const moved = new Map([["a", 1n]]);
  const write = { version, operationId: "other", moved, counters: moved };
  assert.equal(engine.writeSequences(write, next?.term?.epoch ?? 0n).kind, "written");
  one.planNothing();
  await one.pass(2_000);
  assert.match(String(call.outcome), /TransientError: Cannot tell whether the ordinals were taken/);
});

Deno.test("ordinals that were refused without doubt are refused: the epoch is over, or nothing was sent", async () => {
  await using one = await new DriverRig().join();
  const { epoch } = one.leadership;
  one.plan("writeSequences", { requestMs: Infinity, answerMs: 0, fault: "unavailable" });
  const unsent = watched(one.driver.advanceDense({ key: "a", count: 3 }, epoch));
  await one.pass(4_000);
  assert.match(String(unsent.outcome), /UnavailableError: .*this call wrote nothing/);
  one.planNothing();
  const { engine } = one;
  assert(engine.takeOver(engine.standing, { id: "other", endpoint: { host: "b", port: 1 } }));
  await assert.rejects(one.driver.advanceDense({ key: "a", count: 3 }, epoch), { code: "fenced" });
  assert.equal(engine.sequences.counters.size, 0);
});

Deno.test("calls that come while ordinals are written share the next write", async () => {
  await using rig = await new DriverRig().join();
  const { epoch } = rig.leadership;
  rig.plan("writeSequences", { requestMs: 10, answerMs: 10 });
  const calls = Array.from(
    { length: 50 },
    () => rig.driver.advanceDense({ key: "a", count: 2 }, epoch),
  );
  await settle(200);
  const later = Array.from(
    { length: 50 },
    (_, index) => rig.driver.advanceDense({ key: `b${index}`, count: 1 }, epoch),
  );
  await rig.pass(100);
  assert.deepEqual(await Promise.all(calls), calls.map((_, index) => BigInt(2 * index)));
  assert.deepEqual(await Promise.all(later), later.map(() => 0n));
  assert.equal(rig.calls("writeSequences"), 2);
  assert.equal(rig.calls("readSequences"), 1);
});

Deno.test("leases whose replacement was done and not answered are replaced by its repetition", async () => {
  await using rig = await new DriverRig().join();
  const { epoch } = rig.leadership;
  rig.plan("writeLeases", UNANSWERED);
  const first = watched(rig.driver.persistLeases([leaseOf(1)], epoch));
  await rig.pass(500);
  rig.planNothing();
  await rig.pass(2_000);
  assert.equal(first.outcome, undefined);
  assert.deepEqual(rig.engine.leases.leases, [leaseOf(1)]);
});

Deno.test("leases whose replacement comes late do not undo a later one that was answered", async () => {
  await using rig = await new DriverRig().join();
  const { epoch } = rig.leadership;
  rig.plan("writeLeases", { requestMs: 20_000, answerMs: 0 });
  const first = watched(rig.driver.persistLeases([leaseOf(1)], epoch));
  await rig.pass(4_500);
  assert.match(String(first.outcome), /TransientError: /);
  rig.planNothing();
  await rig.driver.persistLeases([leaseOf(2)], epoch);
  await rig.pass(30_000);
  assert.deepEqual(rig.engine.leases.leases, [leaseOf(2)]);
  assert.deepEqual(await rig.driver.loadLeases(), [leaseOf(2)]);
});

Deno.test("leases of which nothing was sent are told so", async () => {
  await using rig = await new DriverRig().join();
  const { epoch } = rig.leadership;
  rig.plan("writeLeases", { requestMs: Infinity, answerMs: 0, fault: "unavailable" });
  const call = watched(rig.driver.persistLeases([leaseOf(1)], epoch));
  await rig.pass(4_000);
  assert.match(String(call.outcome), /UnavailableError: .*this call wrote nothing/);
});
