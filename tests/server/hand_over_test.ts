// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { FollowerEvent } from "../../src/consensus/driver.ts";
import { settle } from "../../src/testing/manual_clock.ts";
import { recordLogs } from "../_support/logs.ts";
import { Gate, OracleRig } from "../_support/oracle_rig.ts";
import { claimOf } from "./_support/leases.ts";

const SUCCESSOR: FollowerEvent = {
  kind: "follower",
  leaderEndpoint: { host: "10.0.0.7", port: 50_551 },
  leaderEpoch: 2n,
};
const HINT = { leaderEndpoint: SUCCESSOR.leaderEndpoint, leaderEpoch: 2n };
const NO_HINT = { leaderEndpoint: undefined, leaderEpoch: undefined };

Deno.test("handOver() stops granting in its own turn, before the driver is asked to resign", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  const handedOver = rig.oracle.handOver();
  assert.equal(rig.driver.resignations, 0);
  assert.deepEqual(rig.oracle.state, { kind: "not-serving" });
  assert.throws(() => rig.oracle.getTs(1), { code: "not-leader", hint: NO_HINT });
  assert.deepEqual(rig.oracle.currentMaxSafe(), { physicalMs: 0, epoch: 0n });
  rig.driver.announce(SUCCESSOR);
  assert.equal(await handedOver, true);
});

Deno.test("handOver() resolves once callers are sent to the successor", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  const handedOver = rig.oracle.handOver();
  await rig.driver.untilResignations(1);
  rig.driver.announce(SUCCESSOR);
  assert.equal(await handedOver, true);
  assert.throws(() => rig.oracle.getTs(1), { code: "not-leader", hint: HINT });
  await assert.rejects(rig.oracle.sequences.take({ key: "a", count: 1 }), { hint: HINT });
  await assert.rejects(rig.oracle.leases.acquire(claimOf("x")), { hint: HINT });
});

Deno.test("handOver() answers requests that wait for the store with not-leader", async () => {
  const gate = new Gate();
  await using rig = new OracleRig();
  await rig.lead(1n);
  rig.driver.beforePersist = () => gate.pass();
  rig.outrunWindow();
  const asked = assert.rejects(async () => await rig.oracle.getTs(1), { code: "not-leader" });
  const lease = assert.rejects(rig.oracle.leases.acquire(claimOf("x")), { code: "not-leader" });
  await settle();
  rig.driver.announce(SUCCESSOR);
  assert.equal(await rig.oracle.handOver(), true);
  await asked;
  await lease;
  gate.open();
});

Deno.test("handOver() lets a sequence call under way finish before it resigns", async () => {
  const gate = new Gate();
  await using rig = new OracleRig();
  await rig.lead(1n);
  rig.driver.afterAdvance = () => gate.pass();
  const taken = rig.oracle.sequences.take({ key: "orders", count: 3 });
  await rig.driver.untilAdvances(1);
  const handedOver = rig.oracle.handOver();
  await assert.rejects(rig.oracle.sequences.take({ key: "orders", count: 3 }), {
    code: "not-leader",
  });
  await settle();
  assert.equal(rig.driver.resignations, 0);
  gate.open();
  assert.deepEqual(await taken, { key: "orders", start: 0n, count: 3, epoch: 1n });
  rig.driver.announce(SUCCESSOR);
  assert.equal(await handedOver, true);
});

Deno.test("handOver() resigns after half of its limit if a sequence call does not finish", async () => {
  const gate = new Gate();
  await using rig = new OracleRig();
  await rig.lead(1n);
  rig.driver.beforeAdvance = () => gate.pass();
  const taken = rig.oracle.sequences.take({ key: "orders", count: 1 });
  await rig.driver.untilAdvances(1);
  const handedOver = rig.oracle.handOver({ limitMs: 1_000 });
  await rig.clock.advance(499);
  assert.equal(rig.driver.resignations, 0);
  await rig.clock.advance(1);
  assert.equal(rig.driver.resignations, 1);
  rig.driver.announce(SUCCESSOR);
  assert.equal(await handedOver, true);
  gate.open();
  assert.equal((await taken).start, 0n);
});

for (const end of ["limit", "signal", "close"] as const) {
  Deno.test(`handOver() ends without a successor by its ${end}, and leaves no timer behind`, async () => {
    const caller = new AbortController();
    await using rig = new OracleRig();
    await rig.lead(1n);
    const handedOver = rig.oracle.handOver({ limitMs: 2_000, signal: caller.signal });
    await rig.driver.untilResignations(1);
    if (end === "limit") await rig.clock.advance(2_000);
    else if (end === "signal") caller.abort();
    else await rig.oracle.close();
    assert.equal(await handedOver, false);
    assert.throws(() => rig.oracle.getTs(1), { code: "not-leader", hint: NO_HINT });
    await rig.oracle.close();
    assert.equal(rig.clock.sleeping, 0);
  });
}

Deno.test("handOver() with a signal that has fired stops granting and resigns without a wait", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  assert.equal(await rig.oracle.handOver({ signal: AbortSignal.abort() }), false);
  assert.equal(rig.driver.resignations, 1);
  assert.equal(rig.oracle.isServing, false);
});

Deno.test("handOver() survives a driver that cannot resign, and one that hangs", async () => {
  await using logs = await recordLogs();
  for (
    const hook of [() => Promise.reject(new Error("refused")), () => new Promise<void>(() => {})]
  ) {
    await using rig = new OracleRig();
    await rig.lead(1n);
    rig.driver.beforeResign = hook;
    const handedOver = rig.oracle.handOver({ limitMs: 1_000 });
    await settle();
    await rig.clock.advance(1_000);
    assert.equal(await handedOver, false);
    assert.equal(rig.oracle.isServing, false);
  }
  const warnings = logs.records.filter(({ level }) => level === "warning");
  assert.match(String(warnings[0]?.message), /could not resign/);
});

Deno.test("handOver() is final: no later leadership is served, and untilServing() says so", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  const handedOver = rig.oracle.handOver();
  rig.driver.announce({ kind: "leader", epoch: 1n });
  rig.driver.announce({ kind: "leader", epoch: 3n });
  rig.driver.announce({ ...SUCCESSOR, leaderEpoch: 4n });
  assert.equal(await handedOver, true);
  rig.driver.announce({ kind: "leader", epoch: 5n });
  await settle();
  assert.deepEqual(rig.oracle.state, { kind: "not-serving" });
  assert.equal(rig.driver.loads, 1, "nothing is fenced any more");
  await assert.rejects(rig.oracle.untilServing(), { code: "not-leader" });
});

Deno.test("handOver() twice is one: the first limit counts", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  const first = rig.oracle.handOver({ limitMs: 100 });
  assert.equal(rig.oracle.handOver({ limitMs: 60_000 }), first);
  await settle();
  await rig.clock.advance(100);
  assert.equal(await first, false);
  assert.equal(rig.driver.resignations, 1);
});

Deno.test("handOver() during a fence: the attempt ends, and nothing is served", async () => {
  const gate = new Gate();
  await using rig = new OracleRig();
  rig.driver.beforePersist = () => gate.pass();
  rig.driver.announce({ kind: "leader", epoch: 1n });
  await rig.driver.untilPersists(1);
  const handedOver = rig.oracle.handOver();
  gate.open();
  await settle();
  assert.equal(rig.oracle.state.kind, "not-serving");
  rig.driver.announce(SUCCESSOR);
  assert.equal(await handedOver, true);
  assert.deepEqual(rig.oracle.state, { kind: "not-serving", ...HINT });
});

Deno.test("handOver() before the first event asks the driver, and serves nothing that comes later", async () => {
  await using rig = new OracleRig();
  const handedOver = rig.oracle.handOver({ limitMs: 100 });
  rig.driver.announce({ kind: "leader", epoch: 1n });
  await settle();
  await rig.clock.advance(100);
  assert.equal(await handedOver, false);
  assert.equal(rig.oracle.state.kind, "not-serving");
  assert.equal(rig.driver.loads, 0);
});

Deno.test("handOver() of a follower keeps sending callers to the leader", async () => {
  await using rig = new OracleRig();
  rig.driver.announce(SUCCESSOR);
  await settle();
  const handedOver = rig.oracle.handOver();
  assert.deepEqual(rig.oracle.state, { kind: "not-serving", ...HINT });
  assert.equal(await handedOver, true);
});

Deno.test("handOver() over a driver that cannot resign does nothing", async () => {
  await using rig = new OracleRig({ without: ["resign"] });
  await rig.lead(1n);
  assert.equal(await rig.oracle.handOver(), false);
  assert.equal(rig.grantNow().count, 1);
});

Deno.test("handOver() after close() does nothing", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  await rig.oracle.close();
  assert.equal(await rig.oracle.handOver(), false);
  assert.equal(rig.driver.resignations, 0);
});

Deno.test("handOver() checks its limit before it does anything", async () => {
  for (const limitMs of [0, 0.5, NaN, 2 ** 31]) {
    await using other = new OracleRig();
    await other.lead(1n);
    await assert.rejects(other.oracle.handOver({ limitMs }), { name: "RangeError" });
    assert.equal(other.grantNow().count, 1);
  }
});

Deno.test("handOver() logs who has taken over", async () => {
  await using logs = await recordLogs();
  await using rig = new OracleRig();
  await rig.lead(1n);
  rig.driver.announce(SUCCESSOR);
  const handedOver = rig.oracle.handOver();
  await handedOver;
  const record = logs.records.find(({ rawMessage }) => rawMessage === "handed over");
  assert.deepEqual(record?.properties, {
    epoch: "1",
    leader: "10.0.0.7:50551",
    leader_epoch: "2",
  });
});
