// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { TransientError } from "../../src/consensus/errors.ts";
import { settle } from "../../src/testing/manual_clock.ts";
import { Gate, OracleRig } from "../_support/oracle_rig.ts";
import { claimOf } from "./_support/leases.ts";

const NOW_MS = 1_000_000;

async function leader(options: ConstructorParameters<typeof OracleRig>[0] = {}) {
  const rig = new OracleRig({ windowAheadMs: 500, failoverAdvanceMs: 200, ...options });
  await rig.lead(1n);
  return rig;
}

/** The next write of leases reaches the store and is reported as failed. */
function failNextAfterItLanded({ driver }: OracleRig): void {
  driver.afterPersistLeases = () => {
    driver.afterPersistLeases = undefined;
    throw new TransientError("late");
  };
}

Deno.test("renew() that outlasts the old expiry: the frontier does not pass the bound and fall back", async () => {
  await using rig = await leader();
  const { clock, driver, oracle: { leases } } = rig;
  const { leaseId } = await leases.acquire(claimOf("a"));
  clock.jumpTo(NOW_MS + 8_000);
  const held = new Gate();
  driver.beforePersistLeases = () => held.pass();
  const asked = leases.renew(leaseId);
  await settle();
  clock.jumpTo(NOW_MS + 12_000);
  await rig.oracle.getTs(1);
  await settle();
  clock.jumpTo(NOW_MS + 17_900);
  await rig.oracle.getTs(1);
  await settle();
  const before = leases.frontier().physicalMs;
  assert(rig.oracle.snapshot().highWaterMs > NOW_MS + 18_000);
  held.open();
  const { boundMs } = await asked;
  assert.equal(boundMs, NOW_MS + 18_000);
  assert.equal(before, boundMs);
  assert.equal(leases.frontier().physicalMs, boundMs);
});

Deno.test("a lease in doubt goes on to bind when the next acquisition fails as well", async () => {
  await using rig = await leader();
  const { driver, oracle: { leases } } = rig;
  failNextAfterItLanded(rig);
  await assert.rejects(leases.acquire(claimOf("a")), { code: "unavailable" });
  assert.equal(leases.frontier().physicalMs, NOW_MS + 10_000);
  driver.beforePersist = () => {
    throw new TransientError("late");
  };
  await assert.rejects(leases.acquire(claimOf("b")), { code: "unavailable" });
  assert.equal(rig.metrics.total("tsoracle.lease.persist_failures.total"), 2);
  driver.beforePersist = undefined;
  rig.clock.jumpTo(NOW_MS + 9_900);
  await rig.oracle.getTs(1);
  await settle();
  assert(rig.oracle.snapshot().highWaterMs > NOW_MS + 10_000);
  const before = leases.frontier().physicalMs;
  await rig.lead(2n);
  assert.equal(before, NOW_MS + 10_000);
  assert.equal(leases.frontier().physicalMs, before, "the store holds it");
});

Deno.test("a renewal in doubt binds until its own expiry", async () => {
  await using rig = await leader();
  const { oracle: { leases } } = rig;
  const { leaseId } = await leases.acquire(claimOf("a"));
  rig.clock.jumpTo(NOW_MS + 5_000);
  failNextAfterItLanded(rig);
  await assert.rejects(leases.renew(leaseId), { code: "unavailable" });
  rig.clock.jumpTo(NOW_MS + 14_900);
  await rig.oracle.getTs(1);
  await settle();
  assert(rig.oracle.snapshot().highWaterMs > NOW_MS + 15_000);
  const before = leases.frontier().physicalMs;
  await rig.lead(2n);
  assert.equal(before, NOW_MS + 15_000);
  assert.equal(leases.frontier().physicalMs, before);
});

Deno.test("a renewal that was never sent binds nothing", async () => {
  await using rig = await leader();
  const { driver, oracle: { leases } } = rig;
  const { leaseId } = await leases.acquire(claimOf("a"));
  rig.clock.jumpTo(NOW_MS + 5_000);
  driver.beforePersist = () => {
    throw new TransientError("late");
  };
  await assert.rejects(leases.renew(leaseId), { code: "unavailable" });
  driver.beforePersist = undefined;
  rig.clock.jumpTo(NOW_MS + 10_000);
  await rig.oracle.getTs(1);
  await settle();
  assert.equal(leases.frontier().physicalMs, rig.oracle.snapshot().highWaterMs);
});

Deno.test("leases in doubt count against the limit", async () => {
  await using rig = await leader({ maxLeases: 2 });
  const { leases } = rig.oracle;
  await leases.acquire(claimOf("a"));
  failNextAfterItLanded(rig);
  await assert.rejects(leases.acquire(claimOf("b")), { code: "unavailable" });
  await assert.rejects(leases.acquire(claimOf("c")), { code: "lease-limit" });
});

for (const verb of ["acquire", "renew"] as const) {
  Deno.test(`${verb}() of a lease that expires while it is written is no success`, async () => {
    await using rig = await leader();
    const { driver, oracle: { leases } } = rig;
    const { leaseId } = await leases.acquire(claimOf("a"));
    const held = new Gate();
    driver.beforePersistLeases = () => held.pass();
    const asked = verb === "acquire" ? leases.acquire(claimOf("b")) : leases.renew(leaseId);
    await settle();
    rig.clock.jumpTo(NOW_MS + 10_000);
    held.open();
    await assert.rejects(asked, { code: "unavailable", message: /expired while it was written/ });
    const successes = rig.metrics.total(`tsoracle.lease.${verb}.success.total`);
    assert.equal(successes, verb === "acquire" ? 1 : 0);
  });
}

Deno.test("a clock that goes back brings no lease back to life, and does not lower the frontier", async () => {
  await using rig = await leader();
  const { leases } = rig.oracle;
  const { leaseId } = await leases.acquire(claimOf("a"));
  rig.clock.jumpTo(NOW_MS + 20_000);
  await rig.oracle.getTs(1);
  await settle();
  await assert.rejects(leases.renew(leaseId), { code: "lease-expired" });
  const before = leases.frontier().physicalMs;
  assert(before > NOW_MS + 20_000);
  rig.clock.jumpTo(NOW_MS + 5_000);
  await assert.rejects(leases.renew(leaseId), { code: "lease-expired" });
  assert.equal(leases.frontier().physicalMs, before);
});

Deno.test("lease operations beyond 4,096 that wait are refused, and those that waited 30 s", async () => {
  await using rig = await leader();
  const { driver, oracle: { leases } } = rig;
  const held = new Gate();
  driver.beforePersistLeases = () => held.pass();
  const asked = Array.from({ length: 4_096 }, (_, index) => leases.acquire(claimOf(`h${index}`)));
  const settled = Promise.allSettled(asked);
  await settle();
  await assert.rejects(leases.renew(1), { code: "unavailable", message: /4096 .* wait/ });
  await rig.clock.advance(30_001);
  held.open();
  const outcomes = await settled;
  const late = outcomes.filter((outcome) =>
    outcome.status === "rejected" && /waited for 30001 ms/.test(outcome.reason.message)
  );
  assert.equal(late.length, 4_095);
  assert.equal(driver.leasePersists.length, 1, "nothing was done for them");
  await leases.release(1);
});
