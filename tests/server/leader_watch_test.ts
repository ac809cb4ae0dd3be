// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { LeadershipEvent } from "../../src/consensus/driver.ts";
import { NotLeaderError } from "../../src/consensus/errors.ts";
import { EpochGuard } from "../../src/server/epoch_guard.ts";
import { Meter } from "../../src/server/meter.ts";
import { NO_METRICS } from "../../src/server/metrics.ts";
import { ServingCore } from "../../src/server/serving_core.ts";
import { ManualClock, settle } from "../../src/testing/manual_clock.ts";
import { recordLogs } from "../_support/logs.ts";
import { Gate, OracleRig } from "../_support/oracle_rig.ts";

const TRANSITIONS = "tsoracle.leader_transition.total";
const REGRESSIONS = "tsoracle.leader_transition.epoch_regressions.total";
const ENDPOINT = { host: "10.0.0.7", port: 50_551 };

const LAWFUL: readonly LeadershipEvent[] = [
  { kind: "unknown" },
  { kind: "leader", epoch: 5n },
  { kind: "follower", leaderEndpoint: ENDPOINT, leaderEpoch: 5n },
  { kind: "follower" },
  { kind: "leader", epoch: 6n },
];

Deno.test("EpochGuard passes Unknown, Leader 5, Follower (ep, 5), Follower (none), Leader 6", () => {
  const guard = new EpochGuard();
  for (const event of LAWFUL) assert.equal(guard.check(event), undefined);
});

Deno.test("EpochGuard trips on Leader 7 then Follower 6, and goes on comparing with 7", () => {
  const guard = new EpochGuard();
  guard.check({ kind: "leader", epoch: 7n });
  const tripped = { epoch: 6n, highest: 7n };
  assert.deepEqual(guard.check({ kind: "follower", leaderEpoch: 6n }), tripped);
  assert.deepEqual(guard.check({ kind: "leader", epoch: 6n }), tripped);
  assert.equal(guard.check({ kind: "leader", epoch: 7n }), undefined);
});

Deno.test("leader watch counts each event exactly once, lawful or not, also when the fence fails", async () => {
  await using rig = new OracleRig();
  rig.driver.beforePersist = () => {
    throw new NotLeaderError();
  };
  for (const event of LAWFUL) rig.driver.announce(event);
  rig.driver.announce({ kind: "follower", leaderEpoch: 2n });
  await settle();
  assert.equal(rig.metrics.total(TRANSITIONS), LAWFUL.length + 1);
  assert.equal(rig.metrics.total(REGRESSIONS), 1);
});

Deno.test("invariant 3: the allocator is cleared and not-serving published before the event is counted", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  const seen: unknown[] = [];
  rig.metrics.onCount = (name) => {
    if (name === TRANSITIONS) seen.push([rig.oracle.state.kind, rig.oracle.snapshot().epoch]);
  };
  rig.driver.announce({ kind: "follower" });
  await settle();
  rig.driver.announce({ kind: "unknown" });
  await settle();
  rig.driver.announce({ kind: "leader", epoch: 2n });
  await settle();
  assert.deepEqual(seen, [
    ["not-serving", undefined],
    ["not-serving", undefined],
    ["not-serving", undefined],
  ]);
});

Deno.test("invariant 3: the allocator is cleared before not-serving is published", () => {
  const core = new ServingCore(new ManualClock(), new Meter(NO_METRICS));
  core.beginServing({ floorMs: 1, highWaterMs: 2, epoch: 1n });
  const stepDown = core.allocator.stepDown.bind(core.allocator);
  let stateAtClear = "";
  core.allocator.stepDown = () => {
    stateAtClear = core.state.kind;
    stepDown();
  };
  core.stepDown();
  assert.equal(stateAtClear, "serving", "it was still published");
  assert.equal(core.state.kind, "not-serving");
});

Deno.test("leader watch has published not-serving by the time a metrics sink blocks or throws", async () => {
  await using logs = await recordLogs();
  await using rig = new OracleRig();
  await rig.lead(1n);
  let stateInSink = "";
  rig.metrics.onCount = (name) => {
    if (name !== TRANSITIONS) return;
    stateInSink = rig.oracle.state.kind;
    throw new Error("the sink is broken");
  };
  rig.driver.announce({ kind: "unknown" });
  await settle();
  assert.equal(stateInSink, "not-serving");
  rig.driver.announce({ kind: "leader", epoch: 2n });
  await settle();
  assert.equal(rig.oracle.state.kind, "serving", "the oracle goes on without its metrics");
  const complaints = logs.records.filter((record) => String(record.rawMessage).includes("sink"));
  assert.equal(complaints.length, 1);
});

Deno.test("leader watch publishes the follower's hint and answers with it", async () => {
  await using rig = new OracleRig();
  rig.driver.announce({ kind: "follower", leaderEndpoint: ENDPOINT, leaderEpoch: 0n });
  await settle();
  const hint = { leaderEndpoint: ENDPOINT, leaderEpoch: 0n };
  assert.deepEqual(rig.oracle.state, { kind: "not-serving", ...hint });
  assert.throws(() => rig.oracle.getTs(1), { code: "not-leader", hint });
  assert.equal(rig.metrics.total("tsoracle.not_leader.total"), 1);
});

Deno.test("leader watch does not serve under an epoch that went back; it logs and counts", async () => {
  await using logs = await recordLogs();
  await using rig = new OracleRig();
  await rig.lead(7n);
  rig.driver.announce({ kind: "leader", epoch: 6n });
  await settle();
  assert.deepEqual(rig.oracle.state, { kind: "not-serving" });
  assert.equal(rig.metrics.total(REGRESSIONS), 1);
  assert.equal(logs.records.filter((record) => record.level === "error").length, 1);
  await rig.lead(8n);
});

Deno.test("leader watch stops the oracle on an epoch that went back if strictEpochs is set", async () => {
  await using rig = new OracleRig({ strictEpochs: true });
  await rig.lead(7n);
  rig.driver.announce({ kind: "follower", leaderEpoch: 6n });
  const end = await rig.oracle.finished;
  assert(end.kind === "failed" && end.error instanceof RangeError);
  assert.match(end.error.message, /went back from 7 to 6/);
});

Deno.test("leader watch stops the oracle when the stream ends unasked", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  rig.driver.endStream();
  const end = await rig.oracle.finished;
  assert(end.kind === "failed");
  assert.equal((end.error as { code?: string }).code, "leadership-stream-ended");
  assert.deepEqual(rig.oracle.state, { kind: "not-serving" });
  assert.throws(() => rig.oracle.getTs(1), { code: "not-leader" });
});

Deno.test("leader watch stops the oracle when the stream throws", async () => {
  await using rig = new OracleRig();
  const error = new Error("the engine is gone");
  rig.driver.failStream(error);
  assert.deepEqual(await rig.oracle.finished, { kind: "failed", error });
});

Deno.test("leader watch takes a confirmation of the serving epoch without a fence or a gap", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  const before = rig.grantNow();
  rig.driver.announce({ kind: "leader", epoch: 1n });
  await settle();
  const after = rig.grantNow();
  assert.equal(after.logicalStart, before.logicalStart + 1);
  assert.equal(rig.driver.loads, 1);
});

Deno.test("leader watch fences the same epoch again after a step-down", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  rig.driver.announce({ kind: "unknown" });
  await settle();
  await rig.lead(1n);
  assert.equal(rig.driver.loads, 2);
});

Deno.test("leader watch asks the stream for one item at a time, also while it fences", async () => {
  const gate = new Gate();
  await using rig = new OracleRig();
  rig.driver.beforeLoad = () => gate.pass();
  for (let epoch = 1n; epoch <= 5n; epoch++) rig.driver.announce({ kind: "leader", epoch });
  await settle();
  gate.open();
  await settle(400);
  assert.deepEqual(rig.oracle.state, { kind: "serving", epoch: 5n });
  assert.equal(rig.driver.maxPendingNexts, 1);
});

Deno.test("close() during an idle stream ends it by its signal", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  assert.deepEqual(await rig.oracle.close(), { kind: "stopped" });
  assert.deepEqual(await rig.oracle.finished, { kind: "stopped" });
  assert.deepEqual(rig.oracle.state, { kind: "not-serving" });
});

Deno.test("close() wins over an event that is ready in the same turn", async () => {
  await using rig = new OracleRig();
  rig.driver.announce({ kind: "leader", epoch: 1n });
  assert.deepEqual(await rig.oracle.close(), { kind: "stopped" });
  assert.equal(rig.driver.loads, 0);
});
