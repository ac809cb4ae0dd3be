// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import {
  FencedError,
  NotLeaderError,
  PermanentError,
  TransientError,
} from "../../src/consensus/errors.ts";
import type { Grant } from "../../src/core/allocator.ts";
import { PHYSICAL_MS_MAX } from "../../src/core/timestamp.ts";
import { settle } from "../../src/testing/manual_clock.ts";
import { countListeners } from "../_support/listeners.ts";
import { Gate, OracleRig } from "../_support/oracle_rig.ts";

const EXTENSIONS = "tsoracle.window.extensions.total";
const LATENCY = "tsoracle.window.extension_latency";

Deno.test("window is refilled to now + windowAheadMs as soon as the fence is through", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  assert.deepEqual(rig.driver.persists.map((call) => call.atLeastMs), [1_001_000, 1_003_000]);
});

Deno.test("window is refilled in the background by the grant that leaves less than a third", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  rig.clock.jumpTo(1_002_000);
  rig.grantNow();
  assert.equal(rig.driver.persists.length, 2, "exactly a third is left");
  rig.clock.jumpTo(1_002_001);
  rig.grantNow();
  assert.equal(rig.driver.persists[2]?.atLeastMs, 1_005_001);
  await settle();
  assert.equal(rig.oracle.snapshot().highWaterMs, 1_005_001);
});

Deno.test("window refill reaches failoverAdvanceMs above a cursor that runs ahead of the clock", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  for (let ms = 0; ms < 2_600; ms++) rig.grantNow(262_144);
  await settle();
  assert.equal(rig.oracle.snapshot().highWaterMs, 1_002_500 + 1_000);
  assert.equal(rig.oracle.snapshot().remainingMs, 1_003_500 - 1_002_600);
});

Deno.test("window refills under a clock that went back come once in half of failoverAdvanceMs", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  rig.clock.jumpTo(0);
  const before = rig.driver.persists.length;
  for (let ms = 0; ms < 10_000; ms++) {
    rig.grantNow(262_144);
    await settle(5);
  }
  assert(rig.driver.persists.length - before <= 10_000 / 500 + 1);
});

Deno.test("window refill is single-flight", async () => {
  const gate = new Gate();
  await using rig = new OracleRig();
  await rig.lead(1n);
  rig.driver.beforePersist = () => gate.pass();
  rig.clock.jumpTo(1_002_500);
  for (let call = 0; call < 100; call++) rig.grantNow();
  assert.equal(rig.driver.persists.length, 3);
  gate.open();
  await settle();
});

Deno.test("window refill is not asked for when it would not raise the high-water", async () => {
  await using rig = new OracleRig({ priorMaxMs: 2_000_000 });
  await rig.lead(1n);
  rig.grantNow();
  await settle();
  assert.equal(rig.driver.persists.length, 1, "the fence reaches 1 s above a floor in the future");
});

Deno.test("window is kept fresh by a timer on an idle oracle, at most once per window", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  const before = rig.driver.persists.length;
  await rig.clock.advance(3_600_000);
  const refills = rig.driver.persists.length - before;
  assert.equal(refills, 3_600_000 / 2_000);
  assert.equal(rig.grantNow().physicalMs, rig.clock.nowMs());
  assert(rig.oracle.snapshot().highWaterMs <= rig.clock.nowMs() + 3_000);
});

Deno.test("window timer stops with the leadership", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  rig.driver.announce({ kind: "unknown" });
  await settle();
  assert.equal(rig.clock.sleeping, 0);
  const before = rig.driver.persists.length;
  await rig.clock.advance(60_000);
  assert.equal(rig.driver.persists.length, before);
});

Deno.test("window that is exhausted is extended on demand to max(highWater + 1, now) + ahead", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  rig.clock.jumpTo(1_003_001);
  const grant = await rig.oracle.getTs(1);
  assert.equal(grant.physicalMs, 1_003_001);
  assert.equal(rig.driver.persists[2]?.atLeastMs, 1_006_001);
});

Deno.test("window stampede of 1,000 waiters is one persist", async () => {
  const gate = new Gate();
  await using rig = new OracleRig();
  await rig.lead(1n);
  rig.outrunWindow();
  rig.driver.beforePersist = () => gate.pass();
  const calls = Array.from({ length: 1_000 }, () => Promise.resolve(rig.oracle.getTs(1)));
  await settle();
  gate.open();
  const grants = await Promise.all(calls);
  assert.equal(rig.driver.persists.length, 3);
  assert.equal(new Set(grants.map((grant: Grant) => grant.logicalStart)).size, 1_000);
});

Deno.test("window that others use up before its turn is extended again for the first in line", async () => {
  await using rig = new OracleRig({ windowAheadMs: 1, failoverAdvanceMs: 0 });
  await rig.lead(1n);
  rig.outrunWindow();
  const { signal } = new AbortController();
  const first = Promise.resolve(rig.oracle.getTs(262_144, { signal }));
  const others = Array.from({ length: 5 }, () => Promise.resolve(rig.oracle.getTs(262_144)));
  const grants = await Promise.all([first, ...others]);
  assert.equal(new Set(grants.map((grant) => grant.physicalMs)).size, 6);
});

Deno.test("window extension leaves no listener on the term once it has settled", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  const counts = countListeners();
  rig.outrunWindow();
  await rig.oracle.getTs(1);
  assert.deepEqual(counts.stop(), { added: 1, removed: 1 });
});

Deno.test("window stampede that needs more than one window is served in order of arrival", async () => {
  await using rig = new OracleRig({ windowAheadMs: 10, failoverAdvanceMs: 0 });
  await rig.lead(1n);
  rig.outrunWindow();
  const calls = Array.from({ length: 100 }, () => Promise.resolve(rig.oracle.getTs(262_144)));
  const grants = await Promise.all(calls);
  const order = grants.map((grant) => grant.physicalMs);
  assert.deepEqual(order, order.toSorted((a, b) => a - b));
  assert.equal(new Set(order).size, 100);
});

Deno.test("window extension that fails fails all its waiters with one persist", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  rig.outrunWindow();
  rig.driver.beforePersist = () => {
    throw new TransientError("no answer in 2 s");
  };
  const calls = Array.from({ length: 50 }, async () => await rig.oracle.getTs(1));
  for (const call of await Promise.allSettled(calls)) {
    assert(call.status === "rejected");
    assert.equal(call.reason.code, "unavailable");
    assert.equal(call.reason.message, "persist: no answer in 2 s");
  }
  assert.equal(rig.driver.persists.length, 3);
});

Deno.test("window refill that fails is followed by an extension on demand for those who joined it", async () => {
  const gate = new Gate();
  await using rig = new OracleRig();
  await rig.lead(1n);
  rig.clock.jumpTo(1_002_900);
  rig.driver.beforePersist = () => gate.pass();
  rig.grantNow();
  rig.outrunWindow();
  const waiting = Promise.resolve(rig.oracle.getTs(1));
  rig.driver.beforePersist = undefined;
  gate.fail(new TransientError("no answer"));
  assert.equal((await waiting).physicalMs, 1_003_001);
});

Deno.test("window refill that fails is not repeated before its backoff is over", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  rig.driver.beforePersist = () => {
    throw new TransientError("no answer");
  };
  rig.clock.jumpTo(1_002_500);
  for (let call = 0; call < 10; call++) {
    rig.grantNow();
    await settle();
  }
  assert.equal(rig.driver.persists.length, 3);
  await rig.clock.advance(25);
  rig.grantNow();
  assert.equal(rig.driver.persists.length, 4);
});

const FAULTS: readonly (readonly [unknown, string, string])[] = [
  [new PermanentError("disk full"), "internal", "persist: disk full"],
  [new TypeError("a driver's bug"), "internal", "persist: a driver's bug"],
  [new TransientError("late"), "unavailable", "persist: late"],
];
for (const [fault, code, message] of FAULTS) {
  Deno.test(`window extension that meets ${fault} answers ${code} and keeps serving`, async () => {
    await using rig = new OracleRig();
    await rig.lead(1n);
    rig.outrunWindow();
    rig.driver.beforePersist = () => {
      throw fault;
    };
    await assert.rejects(async () => await rig.oracle.getTs(1), { code, message });
    rig.driver.beforePersist = undefined;
    assert.equal((await rig.oracle.getTs(1)).count, 1);
  });
}

for (
  const [fault, leaderEpoch] of [[new NotLeaderError(), undefined], [
    new FencedError(1n, 9n),
    9n,
  ]] as const
) {
  Deno.test(`window extension refused with ${fault.code} steps down and waits for the next event`, async () => {
    await using rig = new OracleRig();
    await rig.lead(1n);
    rig.outrunWindow();
    rig.driver.beforePersist = () => {
      throw fault;
    };
    const hint = { leaderEndpoint: undefined, leaderEpoch };
    await assert.rejects(async () => await rig.oracle.getTs(1), { code: "not-leader", hint });
    assert.deepEqual(rig.oracle.state, { kind: "not-serving", leaderEpoch });
    rig.driver.beforePersist = undefined;
    await rig.lead(10n);
  });
}

Deno.test("window extension of a stale epoch that is fenced does not step the new epoch down", async () => {
  const gate = new Gate();
  await using rig = new OracleRig();
  await rig.lead(1n);
  rig.clock.jumpTo(1_002_900);
  rig.driver.beforePersist = () => gate.pass();
  rig.grantNow();
  rig.driver.announce({ kind: "leader", epoch: 2n });
  await settle();
  rig.driver.beforePersist = undefined;
  gate.fail(new FencedError(1n, 2n));
  await settle();
  assert.deepEqual(rig.oracle.state, { kind: "serving", epoch: 2n });
});

Deno.test("invariant 5: a commit whose epoch has moved on is dropped and counted", async () => {
  const gate = new Gate();
  await using rig = new OracleRig();
  await rig.lead(1n);
  rig.outrunWindow();
  rig.driver.afterPersist = () => gate.pass();
  const waiting = assert.rejects(async () => await rig.oracle.getTs(1), { code: "not-leader" });
  await settle();
  const durable = rig.driver.highWaterMs;
  rig.driver.announce({ kind: "follower" });
  await waiting;
  gate.open();
  await settle();
  assert.equal(rig.oracle.snapshot().highWaterMs, 0);
  assert.equal(rig.metrics.total("tsoracle.window.extensions.ignored.not_leader.total"), 1);
  rig.driver.afterPersist = undefined;
  await rig.lead(2n);
  assert.equal(rig.grantNow().physicalMs, durable + 1, "the fence has seen the late write");
});

Deno.test("invariant 4: a step-down waits for no extension, and requests are answered while the driver hangs", async () => {
  const gate = new Gate();
  await using rig = new OracleRig();
  await rig.lead(1n);
  rig.outrunWindow();
  rig.driver.beforePersist = () => gate.pass();
  const waiting = assert.rejects(async () => await rig.oracle.getTs(1), { code: "not-leader" });
  rig.driver.announce({ kind: "unknown" });
  await waiting;
  assert.deepEqual(rig.oracle.state, { kind: "not-serving" });
  gate.open();
});

Deno.test("invariant 1: a timestamp is granted only once the high-water above it is durable", async () => {
  const gate = new Gate();
  await using rig = new OracleRig();
  await rig.lead(1n);
  rig.outrunWindow();
  rig.driver.afterPersist = () => gate.pass();
  let granted: Grant | undefined;
  const waiting = Promise.resolve(rig.oracle.getTs(1)).then((grant) => granted = grant);
  await settle();
  assert.equal(granted, undefined, "durable, but the driver has not said so");
  gate.open();
  assert((await waiting).physicalMs <= rig.driver.highWaterMs);
});

Deno.test("a caller that has gone stops waiting, and the others are served", async () => {
  const gate = new Gate();
  await using rig = new OracleRig();
  await rig.lead(1n);
  rig.outrunWindow();
  rig.driver.beforePersist = () => gate.pass();
  const gone = new AbortController();
  const dropped = assert.rejects(
    async () => await rig.oracle.getTs(1, { signal: gone.signal }),
    { name: "AbortError" },
  );
  const served = Promise.resolve(rig.oracle.getTs(1));
  gone.abort();
  await dropped;
  gate.open();
  assert.equal((await served).logicalStart, 0);
});

Deno.test("window at the end of the 46-bit range answers out-of-range and changes nothing", async () => {
  await using rig = new OracleRig({ priorMaxMs: PHYSICAL_MS_MAX - 1_001 });
  await rig.lead(1n);
  rig.clock.jumpTo(PHYSICAL_MS_MAX + 1);
  assert.throws(() => rig.oracle.getTs(1), { code: "out-of-range", message: /46-bit/ });
  rig.clock.jumpTo(0);
  assert.equal(rig.grantNow().physicalMs, PHYSICAL_MS_MAX - 1_000);
});

Deno.test("window extension by a driver that persists less than asked for is not believed", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  rig.outrunWindow();
  const { highWaterMs } = rig.oracle.snapshot();
  rig.driver.persistHighWater = () => Promise.resolve(highWaterMs + 1);
  await assert.rejects(async () => await rig.oracle.getTs(1), {
    code: "internal",
    message: /broke its contract/,
  });
  assert.equal(rig.oracle.snapshot().highWaterMs, highWaterMs);
});

Deno.test("window extension is counted and timed, success or failure", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  assert.equal(rig.metrics.total(EXTENSIONS), 1);
  rig.outrunWindow();
  rig.driver.beforePersist = () => rig.clock.pause(250);
  await rig.oracle.getTs(1);
  rig.outrunWindow();
  rig.driver.beforePersist = () => {
    throw new TransientError("late");
  };
  await assert.rejects(async () => await rig.oracle.getTs(1));
  assert.equal(rig.metrics.total(EXTENSIONS), 3);
  assert.deepEqual(rig.metrics.observed(LATENCY), [0, 0.25, 0]);
});
