// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { answerProbe, readinessOf } from "../../src/net/probes.ts";
import { settle } from "../../src/testing/manual_clock.ts";
import { OracleRig } from "../_support/oracle_rig.ts";
import { requestOf, textOf } from "./_support/requests.ts";

const READY = { ready: true, text: "ok: serving" } as const;
const NOT_READY = { ready: false, text: "not ready: because" } as const;

Deno.test("answerProbe() says that the process is alive, whatever the readiness", async () => {
  const answer = answerProbe(requestOf("GET", "/healthz"), () => NOT_READY);
  assert.equal(answer?.status, 200);
  assert.equal(await textOf(answer), "ok\n");
});

for (const [readiness, status] of [[READY, 200], [NOT_READY, 503]] as const) {
  Deno.test(`answerProbe() says ${status} and why when ${readiness.text}`, async () => {
    const answer = answerProbe(requestOf("GET", "/readyz?verbose"), () => readiness);
    assert.equal(answer?.status, status);
    assert.equal(await textOf(answer), `${readiness.text}\n`);
  });
}

Deno.test("answerProbe() takes GET and HEAD only", async () => {
  assert.equal(answerProbe(requestOf("HEAD", "/readyz"), () => READY)?.status, 200);
  const post = answerProbe(requestOf("POST", "/readyz"), () => READY);
  assert.equal(post?.status, 405);
  assert.equal(new Headers(post?.header).get("allow"), "GET, HEAD");
  assert.equal(await textOf(post), "Cannot POST /readyz: use GET, HEAD\n");
});

Deno.test("answerProbe() leaves other paths alone", () => {
  for (const path of ["/", "/healthz/", "/readyz2", "/tsoracle.v1.TsoService/GetTs"]) {
    assert.equal(answerProbe(requestOf("GET", path), () => READY), undefined);
  }
});

Deno.test("readinessOf() says yes while serving", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  assert.deepEqual(readinessOf(rig.oracle, false), READY);
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
