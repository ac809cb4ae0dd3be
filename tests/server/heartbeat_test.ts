// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { recordLogs } from "../_support/logs.ts";
import type { RecordedLogs } from "../_support/logs.ts";
import { OracleRig } from "../_support/oracle_rig.ts";

function beats(logs: RecordedLogs): Record<string, unknown>[] {
  return logs.records
    .filter((record) => record.category.at(-1) === "heartbeat")
    .map((record) => record.properties);
}

Deno.test("heartbeat writes one line per interval with what happened since the last", async () => {
  await using logs = await recordLogs();
  await using rig = new OracleRig({ heartbeatIntervalMs: 10_000 });
  await rig.lead(7n);
  rig.grantNow(5);
  await rig.clock.advance(10_000);
  rig.grantNow(1);
  await rig.clock.advance(10_000);
  assert.deepEqual(beats(logs), [
    {
      uptime_secs: 10,
      serving: true,
      epoch: "7",
      requests: 1,
      requests_total: 1,
      ts_issued: 5,
      not_leader: 0,
      transitions: 1,
      fence_retries: 0,
      last_transition_age_secs: 10,
    },
    {
      uptime_secs: 20,
      serving: true,
      epoch: "7",
      requests: 1,
      requests_total: 2,
      ts_issued: 1,
      not_leader: 0,
      transitions: 0,
      fence_retries: 0,
      last_transition_age_secs: 20,
    },
  ]);
});

Deno.test("heartbeat beats on an idle node that has never led", async () => {
  await using logs = await recordLogs();
  await using rig = new OracleRig({ heartbeatIntervalMs: 1_000 });
  await rig.clock.advance(3_000);
  const lines = beats(logs);
  assert.equal(lines.length, 3);
  assert.deepEqual([lines[0]?.serving, lines[0]?.epoch], [false, null]);
  assert.equal(lines[0]?.last_transition_age_secs, null);
});

Deno.test("heartbeat is off with an interval of zero", async () => {
  await using logs = await recordLogs();
  await using rig = new OracleRig({ heartbeatIntervalMs: 0 });
  await rig.clock.advance(60_000);
  assert.deepEqual(beats(logs), []);
});

Deno.test("heartbeat that ends with an exception is counted, and serving goes on", async () => {
  await using logs = await recordLogs();
  await using rig = new OracleRig({ heartbeatIntervalMs: 1_000 });
  await rig.lead(1n);
  const read = rig.clock.monotonicMs.bind(rig.clock);
  let broken = true;
  rig.clock.monotonicMs = () => {
    if (broken) throw new Error("no clock");
    return read();
  };
  const due = rig.clock.nextDueMs;
  assert(due !== undefined);
  await rig.clock.advance(1_000);
  broken = false;
  assert.equal(rig.metrics.total("tsoracle.heartbeat.task_panicked.total"), 1);
  assert(logs.records.some((record) => String(record.rawMessage).startsWith("heartbeat ended")));
  assert.equal(rig.grantNow().count, 1);
});
