// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { PHYSICAL_MS_MAX } from "../../src/core/timestamp.ts";
import { settle } from "../../src/testing/manual_clock.ts";
import { Gate, OracleRig } from "../_support/oracle_rig.ts";
import { claimOf } from "./_support/leases.ts";

const NOW_MS = 1_000_000;

/** A leader with a small window, so that leases decide where the high-water is. */
async function leader(options: ConstructorParameters<typeof OracleRig>[0] = {}) {
  const rig = new OracleRig({ windowAheadMs: 500, failoverAdvanceMs: 200, ...options });
  await rig.lead(1n);
  return rig;
}

Deno.test("leases follow the timeline of the original with the bounds of ours (behaviour.md 15.7)", async () => {
  await using rig = await leader();
  const { clock, oracle: { leases } } = rig;
  assert.deepEqual(rig.driver.persists[0], { atLeastMs: 1_000_200, epoch: 1n });
  const first = await leases.acquire(claimOf("group-a"));
  const terms = { boundMs: 1_010_000, expiresAtMs: 1_010_000, epoch: 1n };
  assert.deepEqual(first, { leaseId: 1_010_000, ...terms });
  assert.deepEqual(await leases.acquire(claimOf("group-a")), first);
  const second = await leases.acquire(claimOf("group-a", { holderEpoch: 2n }));
  assert.deepEqual(second, {
    leaseId: 1_010_001,
    boundMs: 1_010_001,
    expiresAtMs: 1_010_000,
    epoch: 1n,
  });
  assert.deepEqual(leases.frontier(), { physicalMs: 1_010_000, epoch: 1n });
  clock.jumpTo(NOW_MS + 3_000);
  assert.deepEqual(await leases.renew(second.leaseId), {
    leaseId: 1_010_001,
    boundMs: 1_013_000,
    expiresAtMs: 1_013_000,
    epoch: 1n,
  });
  clock.jumpTo(1_009_999);
  assert.equal(leases.frontier().physicalMs, 1_010_000);
  clock.jumpTo(1_010_000);
  assert.equal(leases.frontier().physicalMs, 1_013_000, "the superseded lease has expired");
});

Deno.test("acquire() asks for the millisecond above a high-water that is ahead of now + ttl", async () => {
  await using rig = await leader({ priorMaxMs: 1_500_000 });
  const highWaterMs = rig.driver.highWaterMs;
  const { leaseId, boundMs, expiresAtMs } = await rig.oracle.leases.acquire(claimOf("a"));
  assert.deepEqual([leaseId, boundMs], [highWaterMs + 1, highWaterMs + 1]);
  assert.equal(expiresAtMs, NOW_MS + 10_000);
});

Deno.test("acquire() takes what became durable for bound and id, also if it is more than was asked for", async () => {
  await using rig = await leader();
  rig.driver.beforePersist = () => {
    rig.driver.highWaterMs = 2_000_000;
  };
  const { leaseId, boundMs } = await rig.oracle.leases.acquire(claimOf("a"));
  assert.deepEqual([leaseId, boundMs], [2_000_000, 2_000_000]);
  assert.equal(rig.oracle.snapshot().highWaterMs, 2_000_000);
  assert.equal(rig.driver.leases[0]?.boundMs, 2_000_000);
});

Deno.test("acquire() of a commit that does not advance succeeds: what was returned is durable", async () => {
  await using rig = await leader();
  const held = new Gate();
  rig.driver.afterPersist = () => held.pass();
  const asked = rig.oracle.leases.acquire(claimOf("a", { ttlMs: 5_000 }));
  await settle();
  rig.driver.afterPersist = undefined;
  rig.clock.jumpTo(1_004_900);
  await rig.oracle.getTs(1);
  held.open();
  const { leaseId, boundMs } = await asked;
  assert.deepEqual([leaseId, boundMs], [1_005_000, 1_005_000]);
  assert(rig.oracle.snapshot().highWaterMs > 1_005_000);
});

Deno.test("acquire() is answered only once bound and lease are durable", async () => {
  await using rig = await leader();
  const bound = new Gate();
  const stored = new Gate();
  rig.driver.beforePersist = () => bound.pass();
  rig.driver.afterPersistLeases = () => stored.pass();
  let answered = false;
  const asked = rig.oracle.leases.acquire(claimOf("a")).finally(() => answered = true);
  await settle();
  assert.equal(rig.driver.leasePersists.length, 0, "the bound comes first");
  bound.open();
  await settle();
  assert.equal(rig.driver.leasePersists.length, 1);
  assert.equal(answered, false);
  assert.equal(rig.oracle.snapshot().leases, 0, "memory never runs ahead of the store");
  stored.open();
  const { leaseId } = await asked;
  assert.deepEqual(rig.driver.leases.map((lease) => lease.leaseId), [leaseId]);
  assert.equal(rig.oracle.snapshot().leases, 1);
});

Deno.test("acquire() of the live lease persists nothing and ignores the ttl", async () => {
  await using rig = await leader();
  const { leases } = rig.oracle;
  const first = await leases.acquire(claimOf("a"));
  const { persists: { length: persists }, leasePersists: { length: replaced } } = rig.driver;
  rig.clock.jumpTo(NOW_MS + 4_000);
  assert.deepEqual(await leases.acquire(claimOf("a", { ttlMs: 300_000 })), first);
  assert.deepEqual([rig.driver.persists.length, rig.driver.leasePersists.length], [
    persists,
    replaced,
  ]);
  const { metrics } = rig;
  assert.equal(metrics.total("tsoracle.lease.acquire.requests.total"), 2);
  assert.equal(metrics.total("tsoracle.lease.acquire.success.total"), 2);
});

Deno.test("acquire() asked twice at once grants one lease", async () => {
  await using rig = await leader();
  const { leases } = rig.oracle;
  const [one, other] = await Promise.all([
    leases.acquire(claimOf("a")),
    leases.acquire(claimOf("a")),
  ]);
  assert.deepEqual(one, other);
  assert.equal(rig.driver.leases.length, 1);
});

Deno.test("acquire() with a lower epoch than the live lease's is refused and persists nothing", async () => {
  await using rig = await leader();
  const { leases } = rig.oracle;
  await leases.acquire(claimOf("a", { holderEpoch: 5n }));
  const before = rig.driver.persists.length;
  await assert.rejects(leases.acquire(claimOf("a", { holderEpoch: 4n })), {
    code: "stale-holder",
    message: "holder_epoch 4 is behind 5, which holds the lease",
  });
  assert.equal(rig.driver.persists.length, before);
});

Deno.test("acquire() with a higher epoch supersedes: the old lease cannot be renewed, and still binds", async () => {
  await using rig = await leader();
  const { leases } = rig.oracle;
  const old = await leases.acquire(claimOf("a"));
  const next = await leases.acquire(claimOf("a", { holderEpoch: 2n }));
  assert(next.leaseId > old.leaseId);
  await assert.rejects(leases.renew(old.leaseId), {
    code: "lease-superseded",
    message: `lease ${old.leaseId} was superseded by the holder's epoch 2`,
  });
  assert.equal(leases.frontier().physicalMs, old.boundMs);
  assert.deepEqual(rig.driver.leases.map(({ superseded }) => superseded), [true, false]);
});

Deno.test("acquire() after the expiry grants a new lease to any epoch, and prunes the old one", async () => {
  await using rig = await leader();
  const { leases } = rig.oracle;
  const old = await leases.acquire(claimOf("a", { holderEpoch: 9n }));
  rig.clock.jumpTo(old.expiresAtMs);
  const next = await leases.acquire(claimOf("a", { holderEpoch: 1n }));
  assert(next.leaseId > old.leaseId);
  assert.deepEqual(rig.driver.leases.map(({ leaseId }) => leaseId), [next.leaseId]);
});

Deno.test("acquire() reads the clock after the slot is taken", async () => {
  await using rig = await leader();
  const { leases } = rig.oracle;
  const held = new Gate();
  rig.driver.beforePersistLeases = () => held.pass();
  const first = leases.acquire(claimOf("a"));
  await settle();
  const second = leases.acquire(claimOf("b"));
  await settle();
  rig.clock.jumpTo(NOW_MS + 9_000);
  held.open();
  assert.equal((await first).expiresAtMs, NOW_MS + 10_000);
  assert.equal((await second).expiresAtMs, NOW_MS + 19_000);
});

Deno.test("acquire() keeps the holder as it was when it was asked", async () => {
  await using rig = await leader();
  const held = new Gate();
  rig.driver.beforePersist = () => held.pass();
  const claim = claimOf("a");
  const asked = rig.oracle.leases.acquire(claim);
  await settle();
  claim.holder.fill(0);
  held.open();
  await asked;
  assert.deepEqual(rig.driver.leases[0]?.holder, claimOf("a").holder);
});

Deno.test("acquire() beyond the limit of live leases is refused before anything is persisted", async () => {
  await using rig = await leader({ maxLeases: 2 });
  const { leases } = rig.oracle;
  const first = await leases.acquire(claimOf("a"));
  await leases.acquire(claimOf("a", { holderEpoch: 2n }));
  const before = [rig.driver.persists.length, rig.driver.leasePersists.length];
  for (const claim of [claimOf("b"), claimOf("a", { holderEpoch: 3n })]) {
    await assert.rejects(leases.acquire(claim), {
      code: "lease-limit",
      message: /^there are 2 leases, which is the maximum; release one/,
    });
  }
  assert.deepEqual([rig.driver.persists.length, rig.driver.leasePersists.length], before);
  assert.equal((await leases.acquire(claimOf("a", { holderEpoch: 2n }))).epoch, 1n);
  rig.clock.jumpTo(first.expiresAtMs);
  await leases.acquire(claimOf("b"));
});

Deno.test("acquire() past the 46-bit range is refused and persists nothing", async () => {
  await using rig = await leader({ maxLeaseTtlMs: PHYSICAL_MS_MAX });
  const { leases } = rig.oracle;
  const roomMs = PHYSICAL_MS_MAX - NOW_MS;
  const before = rig.driver.persists.length;
  await assert.rejects(leases.acquire(claimOf("a", { ttlMs: roomMs + 1 })), {
    code: "internal",
    message: `bound ${PHYSICAL_MS_MAX + 1} exceeds 46-bit timestamp field`,
  });
  assert.equal(rig.driver.persists.length, before);
  assert.equal((await leases.acquire(claimOf("a", { ttlMs: roomMs }))).boundMs, PHYSICAL_MS_MAX);
});

Deno.test("renew() moves the expiry by the ttl of the acquisition and keeps the id", async () => {
  await using rig = await leader();
  const { leases } = rig.oracle;
  const { leaseId } = await leases.acquire(claimOf("a", { ttlMs: 7_000 }));
  rig.clock.jumpTo(NOW_MS + 6_999);
  const renewed = await leases.renew(leaseId);
  assert.deepEqual(renewed, {
    leaseId,
    boundMs: NOW_MS + 13_999,
    expiresAtMs: NOW_MS + 13_999,
    epoch: 1n,
  });
  const [record] = rig.driver.leases;
  assert.equal(record?.leaseId, leaseId);
  assert.equal(record?.ttlMs, 7_000);
  assert.equal(rig.metrics.total("tsoracle.lease.renew.success.total"), 1);
});

Deno.test("renew() asks for no more than the high-water where that is ahead of now + ttl", async () => {
  await using rig = await leader();
  const { leases } = rig.oracle;
  const { leaseId } = await leases.acquire(claimOf("a"));
  const ahead = await leases.acquire(claimOf("b", { ttlMs: 300_000 }));
  const renewed = await leases.renew(leaseId);
  assert.equal(renewed.boundMs, ahead.boundMs);
  assert.deepEqual(rig.driver.persists.at(-1), { atLeastMs: ahead.boundMs, epoch: 1n });
  assert.equal(rig.driver.highWaterMs, ahead.boundMs);
});

Deno.test("renew() under a clock that went back never lowers the bound", async () => {
  await using rig = await leader();
  const { leases } = rig.oracle;
  const { leaseId, boundMs } = await leases.acquire(claimOf("a"));
  rig.clock.jumpTo(1);
  const renewed = await leases.renew(leaseId);
  assert.equal(renewed.boundMs, boundMs);
  assert.equal(renewed.expiresAtMs, NOW_MS + 10_000, "expiries are judged by the latest clock");
});

Deno.test("renew() at the expiry is too late, and the lease reads as unknown once it is pruned", async () => {
  await using rig = await leader();
  const { leases } = rig.oracle;
  const { leaseId, expiresAtMs } = await leases.acquire(claimOf("a"));
  rig.clock.jumpTo(expiresAtMs);
  await assert.rejects(leases.renew(leaseId), {
    code: "lease-expired",
    message: `lease ${leaseId} expired at ${expiresAtMs}; acquire a new one`,
  });
  await leases.acquire(claimOf("b"));
  await assert.rejects(leases.renew(leaseId), {
    code: "unknown-lease",
    message: `no lease has the id ${leaseId}; acquire a new one`,
  });
});

Deno.test("renew() and release() keep the leases of all others", async () => {
  await using rig = await leader();
  const { leases } = rig.oracle;
  const ids: number[] = [];
  for (const name of ["a", "b", "c"]) ids.push((await leases.acquire(claimOf(name))).leaseId);
  const [a = 0, b = 0, c = 0] = ids;
  await leases.renew(b);
  assert.deepEqual(rig.driver.leases.map(({ leaseId }) => leaseId), [a, b, c]);
  await leases.release(a);
  assert.deepEqual(rig.driver.leases.map(({ leaseId }) => leaseId), [b, c]);
});

Deno.test("release() lets the frontier go at once, of a superseded lease too", async () => {
  await using rig = await leader();
  const { leases } = rig.oracle;
  const old = await leases.acquire(claimOf("a"));
  const next = await leases.acquire(claimOf("a", { holderEpoch: 2n }));
  await leases.release(old.leaseId);
  assert.equal(leases.frontier().physicalMs, next.boundMs);
  await leases.release(next.leaseId);
  assert.equal(leases.frontier().physicalMs, rig.driver.highWaterMs);
  assert.deepEqual(rig.driver.leases, []);
});

Deno.test("release() of an id that names no live lease is no error and writes nothing", async () => {
  await using rig = await leader();
  const { leases } = rig.oracle;
  const released = await leases.acquire(claimOf("a"));
  await leases.release(released.leaseId);
  const expired = await leases.acquire(claimOf("b"));
  rig.clock.jumpTo(expired.expiresAtMs);
  const before = rig.driver.leasePersists.length;
  for (const id of [released.leaseId, expired.leaseId, 0, NaN, 2 ** 60]) await leases.release(id);
  assert.equal(rig.driver.leasePersists.length, before);
  assert.equal(rig.metrics.total("tsoracle.lease.release.requests.total"), 6);
});

Deno.test("frontier() is the high-water while there is no lease, and zero while not leading", async () => {
  await using rig = new OracleRig();
  assert.deepEqual(rig.oracle.leases.frontier(), { physicalMs: 0, epoch: 0n });
  await rig.lead(3n);
  const { highWaterMs } = rig.oracle.snapshot();
  assert.deepEqual(rig.oracle.leases.frontier(), { physicalMs: highWaterMs, epoch: 3n });
  rig.driver.announce({ kind: "unknown" });
  await settle();
  assert.deepEqual(rig.oracle.leases.frontier(), { physicalMs: 0, epoch: 0n });
});

for (const step of ["afterPersist", "beforePersistLeases"] as const) {
  Deno.test(`frontier() never exceeds the bound of a lease that is being granted (${step})`, async () => {
    await using rig = await leader();
    const { leases } = rig.oracle;
    const held = new Gate();
    rig.driver[step] = () => held.pass();
    const asked = leases.acquire(claimOf("a"));
    await settle();
    rig.driver.afterPersist = undefined;
    rig.clock.jumpTo(NOW_MS + 1_000_000);
    await rig.oracle.getTs(1);
    rig.clock.jumpTo(NOW_MS);
    assert.equal(leases.frontier().physicalMs, 1_010_000, "the high-water is far above");
    held.open();
    assert.equal((await asked).boundMs, leases.frontier().physicalMs);
  });
}

Deno.test("acquire() refuses claims that no wire can carry, and persists nothing", async () => {
  await using rig = await leader();
  const { leases } = rig.oracle;
  const before = rig.driver.persists.length;
  for (const holderEpoch of [-1n, 1n << 64n]) {
    await assert.rejects(leases.acquire(claimOf("a", { holderEpoch })), {
      code: "invalid-holder",
      message: `holder_epoch must be 0 to 18446744073709551615: it is ${holderEpoch}`,
    });
  }
  for (const ttlMs of [5_000.5, NaN, -1, Infinity]) {
    await assert.rejects(leases.acquire(claimOf("a", { ttlMs })), {
      code: "invalid-ttl",
      message: `ttl_ms must be 5000 to 300000: it is ${ttlMs}`,
    });
  }
  assert.equal(rig.driver.persists.length, before);
  await leases.acquire(claimOf("a", { holderEpoch: 0n, ttlMs: 5_000 }));
  await leases.acquire(claimOf("b", { holderEpoch: (1n << 64n) - 1n, ttlMs: 300_000 }));
});
