// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import {
  FencedError,
  NotLeaderError,
  PermanentError,
  TransientError,
} from "../../src/consensus/errors.ts";
import { settle } from "../../src/testing/manual_clock.ts";
import { Gate, OracleRig } from "../_support/oracle_rig.ts";
import { claimOf, leaseRecord } from "./_support/leases.ts";

const NOT_LEADER = "tsoracle.not_leader.total";

/** Where an acquisition can be when its leadership ends. */
const AWAITS = {
  "before its bound is durable": (rig: OracleRig, hook: () => Promise<void>) => {
    rig.driver.beforePersist = hook;
  },
  "after its bound is durable, before that is answered": (rig, hook) => {
    rig.driver.afterPersist = hook;
  },
  "before the leases reach the store": (rig, hook) => {
    rig.driver.beforePersistLeases = hook;
  },
  "after the leases are durable, before that is answered": (rig, hook) => {
    rig.driver.afterPersistLeases = hook;
  },
} as const satisfies Record<string, (rig: OracleRig, hook: () => Promise<void>) => void>;

function unhook(rig: OracleRig): void {
  rig.driver.beforePersist = undefined;
  rig.driver.afterPersist = undefined;
  rig.driver.beforePersistLeases = undefined;
  rig.driver.afterPersistLeases = undefined;
}

for (const [where, hold] of Object.entries(AWAITS)) {
  Deno.test(`a leadership that ends ${where} answers not-leader at once and changes no later one`, async () => {
    const gate = new Gate();
    await using rig = new OracleRig();
    await rig.lead(1n);
    const { leases } = rig.oracle;
    const kept = await leases.acquire(claimOf("kept"));
    hold(rig, () => gate.pass());
    const asked = assert.rejects(leases.acquire(claimOf("a")), { code: "not-leader" });
    const queued = assert.rejects(leases.renew(kept.leaseId), { code: "not-leader" });
    await settle();
    rig.driver.announce({ kind: "follower", leaderEpoch: 2n });
    await asked;
    await queued;
    assert.equal(rig.metrics.total(NOT_LEADER), 2, "once for each");
    unhook(rig);
    rig.driver.announce({ kind: "leader", epoch: 3n });
    await settle();
    assert.equal(rig.oracle.isServing, false, "the fence waits for the write under way");
    assert.equal(rig.driver.loads, 1);
    gate.open();
    await settle();
    assert.deepEqual(rig.oracle.state, { kind: "serving", epoch: 3n });
    const held = rig.driver.leases.map(({ leaseId }) => leaseId);
    assert.equal(held.includes(kept.leaseId), true);
    const snapshot = rig.oracle.snapshot().leases;
    assert.equal(snapshot, held.length, "the table is what the store holds");
    assert.equal((await leases.acquire(claimOf("kept"))).leaseId, kept.leaseId);
  });
}

Deno.test("a replacement of an overtaken leader does not drop what its successor has granted", async () => {
  const gate = new Gate();
  await using rig = new OracleRig();
  await rig.lead(1n);
  rig.driver.beforePersistLeases = () => gate.pass();
  const asked = assert.rejects(rig.oracle.leases.acquire(claimOf("a")), { code: "not-leader" });
  await settle();
  const successor = leaseRecord({ leaseId: 2_000_000, boundMs: 2_000_000 });
  await rig.driver.persistHighWater(2_000_000, 2n);
  rig.driver.leases = [successor];
  gate.open();
  await asked;
  assert.deepEqual(rig.driver.leases, [successor]);
  assert.deepEqual(rig.oracle.state, {
    kind: "not-serving",
    leaderEpoch: 2n,
  });
  assert.equal(rig.metrics.total(NOT_LEADER), 1);
});

Deno.test("leases that become durable after a step-down are not put in place", async () => {
  const gate = new Gate();
  await using rig = new OracleRig();
  await rig.lead(1n);
  rig.driver.afterPersistLeases = () => gate.pass();
  const asked = assert.rejects(rig.oracle.leases.acquire(claimOf("a")), { code: "not-leader" });
  await settle();
  rig.driver.announce({ kind: "unknown" });
  await asked;
  gate.open();
  await settle();
  assert.equal(rig.driver.leases.length, 1);
  assert.equal(rig.oracle.snapshot().leases, 0);
});

Deno.test("an operation of the leadership before, in the same epoch, changes nothing of this one", async () => {
  const gate = new Gate();
  await using rig = new OracleRig();
  await rig.lead(1n);
  rig.driver.afterPersist = () => gate.pass();
  const asked = assert.rejects(rig.oracle.leases.acquire(claimOf("a")), { code: "not-leader" });
  await settle();
  rig.driver.announce({ kind: "unknown" });
  await asked;
  rig.driver.announce({ kind: "leader", epoch: 1n });
  await settle();
  assert.equal(rig.oracle.isServing, false);
  rig.driver.afterPersist = undefined;
  gate.open();
  await settle();
  assert.equal(rig.oracle.isServing, true);
  assert.equal(rig.driver.leasePersists.length, 0);
});

for (const refusal of [new NotLeaderError(), new FencedError(1n, 7n)]) {
  const leaderEpoch = refusal instanceof FencedError ? 7n : undefined;
  for (const step of ["beforePersist", "beforePersistLeases"] as const) {
    Deno.test(`a lease write (${step}) refused with ${refusal.code} steps down and answers not-leader once`, async () => {
      await using rig = new OracleRig();
      await rig.lead(1n);
      rig.driver[step] = () => {
        throw refusal;
      };
      await assert.rejects(rig.oracle.leases.acquire(claimOf("a")), {
        code: "not-leader",
        hint: { leaderEndpoint: undefined, leaderEpoch },
      });
      assert.equal(rig.oracle.state.kind, "not-serving");
      assert.equal(rig.metrics.total(NOT_LEADER), 1);
    });
  }
}

const FAULTS = [
  ["a transient fault", new TransientError("the disk is slow"), "unavailable"],
  ["a permanent fault", new PermanentError("the disk is gone"), "internal"],
  ["an exception that is no consensus error", new TypeError("a driver's bug"), "internal"],
] as const;
for (const [what, fault, code] of FAULTS) {
  for (
    const [step, verb] of [["beforePersist", "persist"], [
      "afterPersistLeases",
      "persist leases",
    ]] as const
  ) {
    Deno.test(`${what} of the store (${verb}) answers ${code}, keeps serving and is not put in place`, async () => {
      await using rig = new OracleRig();
      await rig.lead(1n);
      const { leases } = rig.oracle;
      const kept = await leases.acquire(claimOf("kept"));
      rig.driver[step] = () => {
        throw fault;
      };
      const message = `${verb}: ${fault.message}`;
      await assert.rejects(leases.acquire(claimOf("a")), { code, message });
      await assert.rejects(leases.renew(kept.leaseId), { code, message });
      if (verb === "persist leases") {
        await assert.rejects(leases.release(kept.leaseId), { code, message });
      }
      assert.equal(rig.oracle.isServing, true);
      assert.equal(rig.oracle.snapshot().leases, 1);
      unhook(rig);
      assert.deepEqual(await leases.acquire(claimOf("kept")), kept);
      const again = await leases.acquire(claimOf("a"));
      assert(again.leaseId > kept.leaseId);
      assert.deepEqual(rig.driver.leases.map(({ leaseId }) => leaseId), [
        kept.leaseId,
        again.leaseId,
      ]);
      assert.equal(rig.metrics.total("tsoracle.lease.acquire.success.total"), 3);
      assert.equal(rig.metrics.total("tsoracle.lease.renew.success.total"), 0);
    });
  }
}

Deno.test("a bound below what was asked for is not believed", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  rig.driver.persistHighWater = (atLeastMs) => Promise.resolve(atLeastMs - 1);
  await assert.rejects(rig.oracle.leases.acquire(claimOf("a")), {
    code: "internal",
    message: /the driver broke its contract/,
  });
  assert.equal(rig.driver.leasePersists.length, 0);
});

Deno.test("frontier() stays below a lease whose write failed, as the store may hold it", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  const { leases } = rig.oracle;
  rig.driver.afterPersistLeases = () => {
    throw new TransientError("no answer");
  };
  await assert.rejects(leases.acquire(claimOf("a")), { code: "unavailable" });
  rig.driver.afterPersistLeases = undefined;
  const [ghost] = rig.driver.leases;
  rig.clock.jumpTo(2_000_000);
  await rig.oracle.getTs(1);
  rig.clock.jumpTo(1_000_000);
  assert.equal(leases.frontier().physicalMs, ghost?.boundMs);
  rig.clock.jumpTo(ghost?.expiresAtMs ?? 0);
  assert.equal(leases.frontier().physicalMs, rig.driver.highWaterMs, "it has expired");
  rig.clock.jumpTo(1_000_000);
  await leases.release((await leases.acquire(claimOf("b"))).leaseId);
  assert.equal(leases.frontier().physicalMs, rig.driver.highWaterMs, "the store has been replaced");
});

Deno.test("frontier() is not held back by a lease whose bound never became durable", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  rig.driver.beforePersist = () => {
    throw new TransientError("no answer");
  };
  await assert.rejects(rig.oracle.leases.acquire(claimOf("a")), { code: "unavailable" });
  rig.driver.beforePersist = undefined;
  rig.clock.jumpTo(2_000_000);
  await rig.oracle.getTs(1);
  rig.clock.jumpTo(1_000_000);
  assert.equal(rig.oracle.leases.frontier().physicalMs, rig.driver.highWaterMs);
});

Deno.test("the live lease is written again if a release that failed may have taken it from the store", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  const { leases } = rig.oracle;
  const lease = await leases.acquire(claimOf("a"));
  rig.driver.afterPersistLeases = () => {
    throw new TransientError("no answer");
  };
  await assert.rejects(leases.release(lease.leaseId), { code: "unavailable" });
  assert.deepEqual(rig.driver.leases, []);
  await assert.rejects(leases.acquire(claimOf("a")), { code: "unavailable" });
  rig.driver.afterPersistLeases = undefined;
  assert.deepEqual(await leases.acquire(claimOf("a")), lease);
  assert.deepEqual(rig.driver.leases.map(({ leaseId }) => leaseId), [lease.leaseId]);
  const writes = rig.driver.leasePersists.length;
  assert.deepEqual(await leases.acquire(claimOf("a")), lease);
  assert.equal(rig.driver.leasePersists.length, writes, "once is enough");
});

Deno.test("a new leader begins with the leases of the store, read after its fencing persist", async () => {
  await using rig = new OracleRig({ priorMaxMs: 1_000_000 });
  let highWaterAtLoadMs = 0;
  rig.driver.beforeLoadLeases = () => {
    highWaterAtLoadMs = rig.driver.highWaterMs;
    rig.driver.leases = [
      leaseRecord(),
      leaseRecord({ leaseId: 1, boundMs: 1, expiresAtMs: 1_000_000 }),
    ];
  };
  await rig.lead(7n);
  assert.equal(highWaterAtLoadMs, 1_001_001);
  const { leases } = rig.oracle;
  assert.deepEqual(leases.frontier(), { physicalMs: 1_000_000, epoch: 7n });
  assert.deepEqual(await leases.acquire(claimOf("a")), {
    leaseId: 1_000_000,
    boundMs: 1_000_000,
    expiresAtMs: 1_005_000,
    epoch: 7n,
  });
  await assert.rejects(leases.renew(1), { code: "unknown-lease" });
  const other = await leases.acquire(claimOf("b"));
  assert.deepEqual(rig.driver.leases.map(({ leaseId }) => leaseId), [1_000_000, other.leaseId]);
});

Deno.test("a fence that cannot read the leases tries again without writing again", async () => {
  await using rig = new OracleRig({ failoverAdvanceMs: 1_000 });
  rig.driver.beforeLoadLeases = () => {
    throw new TransientError("no answer");
  };
  rig.driver.announce({ kind: "leader", epoch: 1n });
  for (let retry = 0; retry < 20; retry++) {
    await rig.clock.untilSleeping();
    await rig.clock.advance(250);
  }
  assert.deepEqual(rig.driver.persists, [{ atLeastMs: 1_001_000, epoch: 1n }]);
  assert.equal(rig.oracle.isServing, false);
  rig.driver.beforeLoadLeases = undefined;
  await rig.clock.advance(250);
  assert.equal(rig.oracle.isServing, true);
  assert(rig.grantNow().physicalMs >= 1_005_000, "the clock has moved on");
});

Deno.test("a fence of another epoch, or after having served, writes afresh", async () => {
  await using rig = new OracleRig();
  rig.driver.beforeLoadLeases = () => {
    throw new TransientError("no answer");
  };
  rig.driver.announce({ kind: "leader", epoch: 1n });
  await rig.clock.untilSleeping();
  rig.driver.announce({ kind: "leader", epoch: 2n });
  await settle();
  rig.driver.beforeLoadLeases = undefined;
  await rig.clock.advance(250);
  assert.deepEqual(rig.driver.persists.slice(0, 2).map(({ epoch }) => epoch), [1n, 2n]);
  const last = rig.grantNow();
  rig.driver.announce({ kind: "unknown" });
  await rig.lead(2n);
  assert(rig.grantNow().physicalMs > rig.driver.persists[1]!.atLeastMs, "above all of before");
  assert(rig.grantNow().physicalMs > last.physicalMs);
});

Deno.test("a fence that meets a permanent fault in the leases stops the oracle", async () => {
  await using rig = new OracleRig();
  const error = new PermanentError("the record is corrupt");
  rig.driver.beforeLoadLeases = () => {
    throw error;
  };
  rig.driver.announce({ kind: "leader", epoch: 1n });
  assert.deepEqual(await rig.oracle.finished, { kind: "failed", error });
});

Deno.test("a fence waits for a lease write of the prior epoch, and gives way to the next event", async () => {
  const gate = new Gate();
  await using rig = new OracleRig();
  await rig.lead(1n);
  rig.driver.beforePersistLeases = () => gate.pass();
  const asked = assert.rejects(rig.oracle.leases.acquire(claimOf("a")), { code: "not-leader" });
  await settle();
  rig.driver.announce({ kind: "leader", epoch: 2n });
  await asked;
  assert.equal(rig.driver.loads, 1);
  rig.driver.announce({ kind: "follower", leaderEpoch: 3n });
  await settle();
  assert.partialDeepStrictEqual(rig.oracle.state, { kind: "not-serving", leaderEpoch: 3n });
  gate.open();
});
