// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { ServingState } from "../../src/server/serving.ts";
import { settle } from "../../src/testing/manual_clock.ts";
import { recordLogs } from "../_support/logs.ts";
import { Gate, OracleRig } from "../_support/oracle_rig.ts";
import { claimOf } from "./_support/leases.ts";

Deno.test("getTs() checks a count below 1 before leadership and before any metric", async () => {
  await using rig = new OracleRig();
  for (const count of [0, -1, 0.5, NaN]) {
    assert.throws(() => rig.oracle.getTs(count), {
      code: "invalid-count",
      message: "count must be >= 1",
    });
  }
  assert.equal(rig.metrics.counts.size, 0);
});

Deno.test("getTs() checks a count above 262144 after leadership", async () => {
  await using rig = new OracleRig();
  assert.throws(() => rig.oracle.getTs(262_145), { code: "not-leader" });
  await rig.lead(1n);
  for (const count of [262_145, 1.5, Infinity]) {
    const message = `invalid count: ${count}`;
    assert.throws(() => rig.oracle.getTs(count), { code: "invalid-count", message });
  }
});

Deno.test("getTs() returns a plain grant while the window has room", async () => {
  await using rig = new OracleRig();
  await rig.lead(3n);
  assert.deepEqual(rig.oracle.getTs(7), {
    kind: "granted",
    physicalMs: 1_000_000,
    logicalStart: 0,
    count: 7,
    epoch: 3n,
  });
});

Deno.test("getTs() takes one sample of the wall clock per call", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  let samples = 0;
  const read = rig.clock.nowMs.bind(rig.clock);
  rig.clock.nowMs = () => {
    samples++;
    return read();
  };
  rig.grantNow();
  assert.equal(samples, 1);
  rig.outrunWindow();
  samples = 0;
  await rig.oracle.getTs(1);
  assert.equal(samples, 1, "also when it waits for an extension");
});

Deno.test("getTs() counts requests, grants and timestamps", async () => {
  await using rig = new OracleRig();
  assert.throws(() => rig.oracle.getTs(1));
  await rig.lead(1n);
  rig.grantNow(5);
  rig.grantNow(2);
  assert.equal(rig.metrics.total("tsoracle.get_ts.requests.total"), 3);
  assert.equal(rig.metrics.total("tsoracle.get_ts.success.total"), 2);
  assert.equal(rig.metrics.total("tsoracle.get_ts.timestamps_issued"), 7);
  assert.equal(rig.metrics.total("tsoracle.not_leader.total"), 1);
});

Deno.test("currentMaxSafe() is zero with a zero epoch while not leading", async () => {
  await using rig = new OracleRig();
  assert.deepEqual(rig.oracle.currentMaxSafe(), { physicalMs: 0, epoch: 0n });
});

Deno.test("currentMaxSafe() lies below every later grant and moves on an idle oracle", async () => {
  await using rig = new OracleRig();
  await rig.lead(2n);
  assert.deepEqual(rig.oracle.currentMaxSafe(), { physicalMs: 999_999, epoch: 2n });
  await rig.clock.advance(600_000);
  const { physicalMs } = rig.oracle.currentMaxSafe();
  assert(physicalMs > 1_590_000, `it stands at ${physicalMs}`);
  rig.clock.jumpTo(0);
  assert(rig.grantNow().physicalMs > physicalMs);
});

Deno.test("currentMaxSafe() is floored at zero", async () => {
  await using rig = new OracleRig();
  rig.clock.jumpTo(0);
  await rig.lead(1n);
  assert.deepEqual(rig.oracle.currentMaxSafe(), { physicalMs: 0, epoch: 1n });
});

Deno.test("watchState() begins with the present state and never misses the last", async () => {
  await using rig = new OracleRig();
  const stop = new AbortController();
  const seen: ServingState["kind"][] = [];
  const reading = (async () => {
    for await (const state of rig.oracle.watchState({ signal: stop.signal })) seen.push(state.kind);
  })();
  await settle();
  await rig.lead(1n);
  rig.driver.announce({ kind: "unknown" });
  await settle();
  stop.abort();
  await assert.rejects(reading, { name: "AbortError" });
  assert.deepEqual([seen[0], seen.at(-1)], ["not-serving", "not-serving"]);
  assert(seen.includes("serving"));
});

Deno.test("untilServing() resolves once the fence is through and rejects when the oracle ends first", async () => {
  await using rig = new OracleRig();
  const waiting = rig.oracle.untilServing();
  await rig.lead(1n);
  await waiting;
  rig.driver.announce({ kind: "unknown" });
  await settle();
  const stranded = assert.rejects(rig.oracle.untilServing(), { code: "not-leader" });
  await rig.oracle.close();
  await stranded;
});

Deno.test("untilServing() ends with its signal", async () => {
  await using rig = new OracleRig();
  const gone = new AbortController();
  const waiting = assert.rejects(rig.oracle.untilServing({ signal: gone.signal }), {
    name: "AbortError",
  });
  gone.abort();
  await waiting;
});

Deno.test("invariant 7: close() says not-serving before it returns, and refuses what comes after", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  const closed = rig.oracle.close();
  assert.deepEqual(rig.oracle.state, { kind: "not-serving" });
  assert.throws(() => rig.oracle.getTs(1), { code: "not-leader" });
  assert.equal(rig.oracle.close(), closed, "a second call joins the first");
  assert.deepEqual(await closed, { kind: "stopped" });
});

Deno.test("close() waits for an extension under way", async () => {
  const gate = new Gate();
  await using rig = new OracleRig();
  await rig.lead(1n);
  rig.clock.jumpTo(1_002_900);
  rig.driver.beforePersist = () => gate.pass();
  rig.grantNow();
  let closed = false;
  const closing = rig.oracle.close().then(() => closed = true);
  await settle();
  assert.equal(closed, false);
  gate.open();
  await closing;
});

Deno.test("close() abandons a driver that hangs once the grace is over", async () => {
  await using logs = await recordLogs();
  const gate = new Gate();
  await using rig = new OracleRig({ shutdownGraceMs: 10_000 });
  rig.driver.beforeLoad = () => gate.pass();
  rig.driver.announce({ kind: "leader", epoch: 1n });
  await settle();
  const closing = rig.oracle.close();
  await rig.clock.untilSleeping();
  await rig.clock.advance(10_000);
  assert.deepEqual(await closing, { kind: "abandoned" });
  assert.equal(rig.metrics.total("tsoracle.shutdown.watch_aborted.total"), 1);
  assert(logs.records.some((record) => record.level === "warning"));
  gate.open();
  await settle();
  assert.deepEqual(rig.oracle.state, { kind: "not-serving" });
});

Deno.test("close() says abandoned when only an extension hangs", async () => {
  const gate = new Gate();
  await using rig = new OracleRig({ shutdownGraceMs: 100 });
  await rig.lead(1n);
  rig.clock.jumpTo(1_002_900);
  rig.driver.beforePersist = () => gate.pass();
  rig.grantNow();
  const closing = rig.oracle.close();
  await rig.clock.untilSleeping();
  await rig.clock.advance(100);
  assert.deepEqual(await closing, { kind: "abandoned" });
  assert.deepEqual(await rig.oracle.finished, { kind: "abandoned" });
  gate.open();
});

Deno.test("close() without a grace abandons at once", async () => {
  const gate = new Gate();
  await using rig = new OracleRig({ shutdownGraceMs: 0 });
  rig.driver.beforeLoad = () => gate.pass();
  rig.driver.announce({ kind: "leader", epoch: 1n });
  await settle();
  const closing = rig.oracle.close();
  await rig.clock.advance(0);
  assert.deepEqual(await closing, { kind: "abandoned" });
  gate.open();
});

Deno.test("Oracle runs where Promise.withResolvers is missing, as on Node 20", async () => {
  const { withResolvers } = Promise;
  Reflect.deleteProperty(Promise, "withResolvers");
  try {
    await using rig = new OracleRig();
    const serving = rig.oracle.untilServing();
    rig.driver.announce({ kind: "leader", epoch: 1n });
    await serving;
    rig.outrunWindow();
    const { signal } = new AbortController();
    assert.equal((await rig.oracle.getTs(1, { signal })).count, 1);
  } finally {
    Promise.withResolvers = withResolvers;
  }
});

Deno.test("close() leaves no timer behind", async () => {
  await using rig = new OracleRig({ heartbeatIntervalMs: 10_000 });
  await rig.lead(1n);
  await rig.oracle.close();
  assert.equal(rig.clock.sleeping, 0);
});

Deno.test("Oracle() takes the limits of sequences and leases up to what the wire can say", async () => {
  await using rig = new OracleRig({
    maxSequenceCount: 0xffff_ffff,
    maxSequenceBatchKeys: 0xffff_ffff,
    minLeaseTtlMs: 1,
    maxLeaseTtlMs: 1,
    maxLeases: 0xffff_ffff,
  });
  await rig.lead(1n);
  const block = await rig.oracle.sequences.take({ key: "a", count: 0xffff_ffff });
  assert.equal(block.count, 0xffff_ffff);
});

Deno.test("snapshot() counts the leases that have not expired, superseded ones included", async () => {
  await using rig = new OracleRig();
  assert.equal(rig.oracle.snapshot().leases, 0);
  await rig.lead(1n);
  const { leases } = rig.oracle;
  await leases.acquire(claimOf("a"));
  await leases.acquire(claimOf("a", { holderEpoch: 2n, ttlMs: 20_000 }));
  assert.equal(rig.oracle.snapshot().leases, 2);
  rig.clock.jumpTo(1_010_000);
  assert.equal(rig.oracle.snapshot().leases, 1);
  rig.driver.announce({ kind: "unknown" });
  await settle();
  assert.equal(rig.oracle.snapshot().leases, 0);
});

for (
  const [option, value] of [
    ["windowAheadMs", 0],
    ["windowAheadMs", 1.5],
    ["failoverAdvanceMs", -1],
    ["refillFraction", 0],
    ["refillFraction", 1],
    ["maxSequenceCount", 0],
    ["maxSequenceCount", 2 ** 32],
    ["maxSequenceBatchKeys", 0],
    ["maxSequenceBatchKeys", 1.5],
    ["minLeaseTtlMs", 0],
    ["maxLeaseTtlMs", 4_999],
    ["maxLeases", 0],
    ["shutdownGraceMs", -1],
    ["heartbeatIntervalMs", NaN],
  ] as const
) {
  Deno.test(`Oracle() rejects ${option} = ${value} by name, rule and value`, () => {
    assert.throws(() => new OracleRig({ [option]: value }), {
      name: "RangeError",
      message: new RegExp(`'${option}' must be .*: current value is ${value}`),
    });
  });
}
