// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { CorsPolicy } from "../../src/net/cors.ts";
import { requestOf } from "./_support/requests.ts";

const ORIGIN = "https://app.example";
const PREFLIGHT = {
  origin: ORIGIN,
  "access-control-request-method": "POST",
  "access-control-request-headers": "content-type,x-grpc-web",
};

Deno.test("CorsPolicy.preflight() answers an allowed origin", () => {
  const answer = new CorsPolicy([ORIGIN]).preflight(requestOf("OPTIONS", "/x", PREFLIGHT));
  assert.equal(answer?.status, 204);
  const header = new Headers(answer?.header);
  assert.equal(header.get("access-control-allow-origin"), ORIGIN);
  assert.match(header.get("access-control-allow-methods") ?? "", /POST/);
  assert.match(header.get("access-control-allow-headers") ?? "", /X-Grpc-Web/);
  assert.equal(header.get("access-control-max-age"), "7200");
  assert.match(header.get("vary") ?? "", /^Origin, Access-Control-Request-Method/);
  assert.equal(header.has("access-control-allow-credentials"), false);
});

for (
  const other of [
    "https://evil.example",
    "http://app.example",
    "https://app.example:8443",
    "https://app.example.evil.example",
    "null",
  ]
) {
  Deno.test(`CorsPolicy.preflight() tells ${other} nothing`, () => {
    const request = requestOf("OPTIONS", "/x", { ...PREFLIGHT, origin: other });
    const header = new Headers(new CorsPolicy([ORIGIN]).preflight(request)?.header);
    assert.deepEqual([...header.keys()], ["vary"]);
  });
}

Deno.test("CorsPolicy.preflight() leaves alone what is no preflight", () => {
  const policy = new CorsPolicy([ORIGIN]);
  assert.equal(policy.preflight(requestOf("OPTIONS", "/x", { origin: ORIGIN })), undefined);
  assert.equal(policy.preflight(requestOf("POST", "/x", PREFLIGHT)), undefined);
});

Deno.test("CorsPolicy.decorate() lets the page read what a call answers", () => {
  const answer = { status: 200, header: new Headers({ "content-type": "application/json" }) };
  const decorated = new CorsPolicy([ORIGIN]).decorate(
    requestOf("POST", "/x", { origin: ORIGIN }),
    answer,
  );
  const header = new Headers(decorated.header);
  assert.equal(header.get("access-control-allow-origin"), ORIGIN);
  assert.equal(header.get("content-type"), "application/json");
  assert.equal(header.get("vary"), "Origin");
  const exposed = header.get("access-control-expose-headers")?.toLowerCase().split(", ") ?? [];
  for (
    const name of [
      "grpc-status",
      "grpc-message",
      "tsoracle-leader-hint-bin",
      "trailer-tsoracle-leader-hint-bin",
    ]
  ) {
    assert(exposed.includes(name), name);
  }
  assert.equal(answer.header.has("vary"), false, "the answer may be shared");
});

Deno.test("CorsPolicy.decorate() tells another origin only that the answer varies", () => {
  const request = requestOf("POST", "/x", { origin: "https://evil.example" });
  const decorated = new CorsPolicy([ORIGIN]).decorate(request, { status: 200 });
  assert.deepEqual([...new Headers(decorated.header)], [["vary", "Origin"]]);
});

Deno.test("CorsPolicy with * allows every origin, never with credentials", () => {
  const policy = new CorsPolicy(["*"]);
  const preflight = policy.preflight(requestOf("OPTIONS", "/x", PREFLIGHT));
  const header = new Headers(preflight?.header);
  assert.equal(header.get("access-control-allow-origin"), "*");
  assert.equal(header.has("access-control-allow-credentials"), false);
});

Deno.test("CorsPolicy without origins is off", () => {
  const policy = new CorsPolicy([]);
  assert.equal(policy.preflight(requestOf("OPTIONS", "/x", PREFLIGHT)), undefined);
  const answer = { status: 200 };
  assert.equal(policy.decorate(requestOf("POST", "/x", { origin: ORIGIN }), answer), answer);
});

for (
  const origin of ["app.example", "https://app.example/", "https://app.example/path", "", "null"]
) {
  Deno.test(`CorsPolicy refuses ${JSON.stringify(origin)}, which is no origin`, () => {
    assert.throws(() => new CorsPolicy([origin]), RangeError);
  });
}
