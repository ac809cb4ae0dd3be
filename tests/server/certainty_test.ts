// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { settle } from "../../src/testing/manual_clock.ts";
import { recordLogs } from "../_support/logs.ts";
import { Gate, OracleRig } from "../_support/oracle_rig.ts";

Deno.test("certainUntil passed: calls answer not-leader, change nothing and start no refill", async () => {
  let untilMs = 5_000;
  await using rig = new OracleRig();
  await rig.lead(1n, () => untilMs);
  const before = rig.grantNow();
  rig.clock.pause(5_000);
  const persists = rig.driver.persists.length;
  assert.throws(() => rig.oracle.getTs(1), { code: "not-leader", hint: {} });
  assert.deepEqual(rig.oracle.currentMaxSafe(), { physicalMs: 0, epoch: 0n });
  assert.equal(rig.oracle.isServing, false);
  assert.equal(rig.driver.persists.length, persists);
  untilMs = 10_000;
  rig.clock.jumpTo(before.physicalMs);
  const after = rig.grantNow();
  assert.deepEqual([after.physicalMs, after.logicalStart], [before.physicalMs, 1]);
});

Deno.test("certainUntil is read afresh at each grant: a renewal resumes without event or fence", async () => {
  let untilMs = 1_000;
  await using rig = new OracleRig();
  await rig.lead(1n, () => untilMs);
  rig.clock.pause(1_000);
  assert.throws(() => rig.oracle.getTs(1), { code: "not-leader" });
  untilMs = 3_000;
  assert.equal(rig.grantNow().count, 1);
  assert.equal(rig.driver.loads, 1);
});

Deno.test("certainUntil passed and the same epoch confirmed by an event: serving resumes without a fence", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n, () => 1_000);
  rig.clock.pause(1_500);
  assert.throws(() => rig.oracle.getTs(1), { code: "not-leader" });
  await rig.lead(1n, () => 3_000);
  assert.equal(rig.grantNow().count, 1);
  assert.equal(rig.driver.loads, 1);
});

Deno.test("certainUntil is checked to the millisecond: the deadline itself is too late", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n, () => 1_000);
  rig.clock.pause(999);
  assert.equal(rig.grantNow().count, 1);
  rig.clock.pause(1);
  assert.throws(() => rig.oracle.getTs(1), { code: "not-leader" });
});

Deno.test("certainUntil that passes while a call waits for its persist refuses the call", async () => {
  const gate = new Gate();
  await using rig = new OracleRig();
  await rig.lead(1n, () => 10_000);
  rig.outrunWindow();
  rig.driver.afterPersist = () => gate.pass();
  const waiting = assert.rejects(async () => await rig.oracle.getTs(1), { code: "not-leader" });
  await settle();
  rig.clock.pause(10_000);
  gate.open();
  await waiting;
});

Deno.test("certainUntil passed: the timer starts no refill; after renewal it goes on", async () => {
  let untilMs = 1_500;
  await using rig = new OracleRig();
  await rig.lead(1n, () => untilMs);
  const persists = rig.driver.persists.length;
  await rig.clock.advance(60_000);
  assert.equal(rig.driver.persists.length, persists);
  untilMs = Infinity;
  await rig.clock.advance(3_000);
  assert(rig.driver.persists.length > persists);
});

Deno.test("certainUntil that is not a number refuses", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n, () => NaN);
  assert.throws(() => rig.oracle.getTs(1), { code: "not-leader" });
});

Deno.test("certainUntil is kept when the same epoch is confirmed without one", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n, () => 1_000);
  await rig.lead(1n);
  assert.equal(rig.oracle.isServing, true);
  rig.clock.pause(1_000);
  assert.equal(rig.oracle.isServing, false);
});

Deno.test("certainUntil that throws counts as doubt, is logged once, and refills go on after it", async () => {
  await using logs = await recordLogs();
  let broken = true;
  await using rig = new OracleRig();
  await rig.lead(1n, () => {
    if (broken) throw new Error("a driver's bug");
    return Infinity;
  });
  for (let call = 0; call < 3; call++) {
    assert.throws(() => rig.oracle.getTs(1), { code: "not-leader" });
  }
  await rig.clock.advance(10_000);
  broken = false;
  const before = rig.driver.persists.length;
  await rig.clock.advance(10_000);
  assert(rig.driver.persists.length > before);
  assert.equal(logs.records.filter((record) => record.level === "error").length, 1);
});

Deno.test("certainUntil of an ended leadership does not bind the next one", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n, () => 0);
  assert.throws(() => rig.oracle.getTs(1), { code: "not-leader" });
  await rig.lead(2n);
  assert.equal(rig.grantNow().count, 1);
});
