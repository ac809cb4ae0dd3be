// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { answerProbe } from "../../src/net/probes.ts";
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
