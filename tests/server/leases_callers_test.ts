// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { settle } from "../../src/testing/manual_clock.ts";
import { Gate, OracleRig } from "../_support/oracle_rig.ts";
import { claimOf } from "./_support/leases.ts";

const NOT_LEADER = "tsoracle.not_leader.total";

Deno.test("in doubt: lease operations answer not-leader with an empty hint and persist nothing", async () => {
  let untilMs = Infinity;
  await using rig = new OracleRig();
  await rig.lead(1n, () => untilMs);
  const { leases } = rig.oracle;
  const { leaseId } = await leases.acquire(claimOf("a"));
  const before = [rig.driver.persists.length, rig.driver.leasePersists.length];
  untilMs = rig.clock.monotonicMs();
  const refusal = { code: "not-leader", hint: {} };
  await assert.rejects(leases.acquire(claimOf("a")), refusal);
  await assert.rejects(leases.acquire(claimOf("b")), refusal);
  await assert.rejects(leases.renew(leaseId), refusal);
  await assert.rejects(leases.release(leaseId), refusal);
  await assert.rejects(leases.release(1), refusal);
  assert.deepEqual(leases.frontier(), { physicalMs: 0, epoch: 0n });
  assert.deepEqual([rig.driver.persists.length, rig.driver.leasePersists.length], before);
  untilMs = Infinity;
  assert.equal((await leases.renew(leaseId)).leaseId, leaseId);
});

Deno.test("in doubt by the time of its turn: an operation answers not-leader and persists nothing", async () => {
  let untilMs = Infinity;
  const gate = new Gate();
  await using rig = new OracleRig();
  await rig.lead(1n, () => untilMs);
  const { leases } = rig.oracle;
  rig.driver.beforePersistLeases = () => gate.pass();
  const first = leases.acquire(claimOf("a"));
  const second = assert.rejects(leases.acquire(claimOf("b")), { code: "not-leader", hint: {} });
  await settle();
  untilMs = rig.clock.monotonicMs();
  gate.open();
  assert.equal((await first).epoch, 1n, "durable under the epoch, so no successor lacks it");
  await second;
  assert.deepEqual(rig.driver.leases.length, 1);
});

Deno.test("a caller that has gone before its turn leaves nothing behind", async () => {
  const gate = new Gate();
  const gone = new AbortController();
  const reason = new Error("gone");
  await using rig = new OracleRig();
  await rig.lead(1n);
  const { leases } = rig.oracle;
  rig.driver.beforePersist = () => gate.pass();
  const first = leases.acquire(claimOf("a"));
  const left = assert.rejects(leases.acquire(claimOf("b"), { signal: gone.signal }), reason);
  const third = leases.acquire(claimOf("c"));
  await settle();
  gone.abort(reason);
  await left;
  gate.open();
  await Promise.all([first, third]);
  assert.equal(rig.driver.leases.length, 2);
  await assert.rejects(leases.acquire(claimOf("b"), { signal: gone.signal }), reason);
  assert.equal(rig.driver.leases.length, 2);
  assert.equal(rig.metrics.total(NOT_LEADER), 0);
});

for (
  const step of [
    "beforePersist",
    "afterPersist",
    "beforePersistLeases",
    "afterPersistLeases",
  ] as const
) {
  Deno.test(`a caller that goes at ${step} does not stop the write; asking again finds the lease`, async () => {
    const gate = new Gate();
    const gone = new AbortController();
    const reason = new Error("gone");
    await using rig = new OracleRig();
    await rig.lead(1n);
    const { leases } = rig.oracle;
    rig.driver[step] = () => gate.pass();
    const left = assert.rejects(leases.acquire(claimOf("a"), { signal: gone.signal }), reason);
    await settle();
    gone.abort(reason);
    await left;
    rig.driver[step] = undefined;
    const again = leases.acquire(claimOf("a"));
    gate.open();
    const grant = await again;
    assert.deepEqual(rig.driver.leases.map(({ leaseId }) => leaseId), [grant.leaseId]);
    assert.equal(rig.driver.leasePersists.length, 1);
  });
}

Deno.test("close() answers not-leader at once and waits for the lease write under way", async () => {
  const gate = new Gate();
  await using rig = new OracleRig();
  await rig.lead(1n);
  rig.driver.beforePersistLeases = () => gate.pass();
  const asked = assert.rejects(rig.oracle.leases.acquire(claimOf("a")), { code: "not-leader" });
  await settle();
  let closed = false;
  const closing = rig.oracle.close().finally(() => closed = true);
  await asked;
  await settle();
  assert.equal(closed, false);
  gate.open();
  assert.deepEqual(await closing, { kind: "stopped" });
  assert.equal(rig.driver.leases.length, 1, "it was not torn");
});

Deno.test("close() abandons a lease write that hangs once the grace is over", async () => {
  const gate = new Gate();
  await using rig = new OracleRig({ shutdownGraceMs: 100 });
  await rig.lead(1n);
  rig.driver.beforePersistLeases = () => gate.pass();
  const asked = assert.rejects(rig.oracle.leases.acquire(claimOf("a")), { code: "not-leader" });
  await settle();
  const closing = rig.oracle.close();
  await asked;
  await rig.clock.untilSleeping();
  await rig.clock.advance(100);
  assert.deepEqual(await closing, { kind: "abandoned" });
  gate.open();
});
