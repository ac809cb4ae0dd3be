// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { readinessOf } from "../../src/rpc/readiness.ts";
import { settle } from "../../src/testing/manual_clock.ts";
import { OracleRig } from "../_support/oracle_rig.ts";

Deno.test("readinessOf() says yes while serving", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  assert.deepEqual(readinessOf(rig.oracle, false), { ready: true, text: "ok: serving" });
});

Deno.test("readinessOf() says no when the server shuts down, though the oracle serves", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  const { ready, text } = readinessOf(rig.oracle, true);
  assert.equal(ready, false);
  assert.match(text, /shutting down/);
});

Deno.test("readinessOf() says yes on a follower that can send clients to the leader", async () => {
  await using rig = new OracleRig();
  const leaderEndpoint = { host: "10.0.0.7", port: 50551 };
  rig.driver.announce({ kind: "follower", leaderEndpoint });
  await settle();
  assert.deepEqual(readinessOf(rig.oracle, false), {
    ready: true,
    text: "ok: the leader is 10.0.0.7:50551",
  });
});

Deno.test("readinessOf() says no without a leader", async () => {
  await using rig = new OracleRig();
  assert.match(readinessOf(rig.oracle, false).text, /knows no leader/);
  rig.driver.announce({ kind: "follower", leaderEpoch: 7n });
  await settle();
  assert.equal(readinessOf(rig.oracle, false).ready, false);
});

Deno.test("readinessOf() says no on a leader that is in doubt", async () => {
  await using rig = new OracleRig();
  let certainUntilMs = 1_000;
  await rig.lead(1n, () => certainUntilMs);
  certainUntilMs = -1;
  assert.match(readinessOf(rig.oracle, false).text, /not certain to lead/);
});
