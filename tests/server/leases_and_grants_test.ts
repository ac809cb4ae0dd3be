// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { MAX_COUNT } from "../../src/core/timestamp.ts";
import { settle } from "../../src/testing/manual_clock.ts";
import { Gate, OracleRig } from "../_support/oracle_rig.ts";
import { claimOf } from "./_support/leases.ts";

Deno.test("grants, refills and extensions do not wait for a lease operation that hangs", async () => {
  const gate = new Gate();
  await using rig = new OracleRig();
  await rig.lead(1n);
  const { leases } = rig.oracle;
  rig.driver.beforePersistLeases = () => gate.pass();
  const asked = leases.acquire(claimOf("a", { ttlMs: 65_000 }));
  await settle();
  assert.equal(rig.grantNow().count, 1);
  const before = rig.driver.persists.length;
  await rig.clock.advance(64_500);
  assert(rig.driver.persists.length > before, "refills go on");
  rig.outrunWindow();
  assert.equal((await rig.oracle.getTs(1)).count, 1);
  gate.open();
  await assert.rejects(asked, { code: "unavailable" }, "its time is over");
});

Deno.test("grants do not wait for the bound of a lease either", async () => {
  const gate = new Gate();
  await using rig = new OracleRig();
  await rig.lead(1n);
  rig.driver.beforePersist = () => gate.pass();
  const asked = rig.oracle.leases.acquire(claimOf("a", { ttlMs: 300_000 }));
  await settle();
  rig.driver.beforePersist = undefined;
  rig.outrunWindow();
  assert.equal((await rig.oracle.getTs(1)).count, 1);
  gate.open();
  await asked;
});

Deno.test("1,000 concurrent acquires that race refills get 1,000 distinct ids", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  rig.driver.afterPersist = ({ atLeastMs }) => settle(atLeastMs % 7);
  const asked = Array.from(
    { length: 1_000 },
    (_, index) => rig.oracle.leases.acquire(claimOf(`holder-${index}`)),
  );
  const grants: unknown[] = [];
  for (let burst = 0; burst < 200; burst++) {
    grants.push(rig.oracle.getTs(MAX_COUNT));
    await settle(30);
    if (burst % 10 === 0) rig.clock.jumpTo(rig.clock.nowMs() + 3_000);
  }
  const leases = await Promise.all(asked);
  await Promise.all(grants);
  assert.equal(new Set(leases.map(({ leaseId }) => leaseId)).size, 1_000);
  assert(leases.every(({ leaseId, boundMs }) => leaseId === boundMs));
  assert.equal(rig.driver.leases.length, rig.oracle.snapshot().leases);
});

Deno.test("an extension that a lease has overtaken is room for those who wait for it", async () => {
  const slow = new Gate();
  await using rig = new OracleRig({ windowAheadMs: 10, failoverAdvanceMs: 0 });
  await rig.lead(1n);
  rig.outrunWindow();
  rig.driver.afterPersist = ({ atLeastMs }) => atLeastMs < 1_005_000 ? slow.pass() : undefined;
  const waiting = Array.from({ length: 20 }, () => rig.oracle.getTs(MAX_COUNT));
  await settle();
  const lease = await rig.oracle.leases.acquire(claimOf("a", { ttlMs: 5_000 }));
  assert(lease.boundMs > rig.driver.persists[2]!.atLeastMs);
  slow.open();
  const grants = await Promise.all(waiting);
  assert.equal(new Set(grants.map(({ physicalMs }) => physicalMs)).size, 20);
  assert.equal(rig.metrics.total("tsoracle.window.extensions.ignored.not_advanced.total"), 1);
});

Deno.test("a call that a refill overtaken by a lease leaves without room gets it on demand", async () => {
  const slow = new Gate();
  await using rig = new OracleRig({ windowAheadMs: 3_000 });
  await rig.lead(1n);
  rig.clock.jumpTo(1_002_500);
  rig.driver.afterPersist = ({ atLeastMs }) => atLeastMs === 1_005_500 ? slow.pass() : undefined;
  rig.grantNow();
  await settle();
  const lease = await rig.oracle.leases.acquire(claimOf("a", { ttlMs: 5_000 }));
  rig.clock.jumpTo(lease.boundMs + 1);
  const waiting = rig.oracle.getTs(1);
  await settle();
  slow.open();
  assert.equal((await waiting).physicalMs, lease.boundMs + 1);
});

Deno.test("currentMaxSafe() stays a true safe point while leases move the high-water", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  const lease = await rig.oracle.leases.acquire(claimOf("a", { ttlMs: 300_000 }));
  assert.equal(lease.boundMs, 1_300_000);
  const { physicalMs } = rig.oracle.currentMaxSafe();
  assert.equal(physicalMs, 999_999, "the cursor decides, not the high-water");
  assert(rig.grantNow().physicalMs > physicalMs);
  rig.clock.jumpTo(1_100_000);
  assert.equal(rig.oracle.currentMaxSafe().physicalMs, 1_099_999);
  assert.equal(rig.grantNow().physicalMs, 1_100_000);
});

Deno.test("10,000 renewals keep the high-water within the ttl of the clock", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  const { leases } = rig.oracle;
  const ids: number[] = [];
  for (const name of ["a", "b", "c"]) ids.push((await leases.acquire(claimOf(name))).leaseId);
  for (let renewal = 0; renewal < 10_000; renewal++) {
    rig.clock.jumpTo(rig.clock.nowMs() + renewal % 5);
    await leases.renew(ids[renewal % 3] ?? 0);
    const leadMs = rig.driver.highWaterMs - rig.clock.nowMs();
    assert(leadMs <= 10_003, `${leadMs} ms ahead after ${renewal} renewals`);
  }
});

Deno.test("a successor grants above every bound that was given", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  const lease = await rig.oracle.leases.acquire(claimOf("a", { ttlMs: 300_000 }));
  await rig.lead(2n);
  assert.equal(rig.grantNow().physicalMs, lease.boundMs + 1);
});
