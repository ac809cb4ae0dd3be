// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { EDGE } from "../_support/edge.ts";
import { serve } from "../../src/net/serve.ts";
import type { ServeOptions } from "../../src/net/serve.ts";
import { ioTest } from "../_support/levels.ts";
import { ServerRig } from "./_support/server_rig.ts";
import { WaitingOracle } from "./_support/waiting_oracle.ts";

const oracle = new WaitingOracle();

ioTest("serve() takes any free port for 0 and says which", async () => {
  await using server = await serve(oracle, { port: 0, edge: EDGE });
  assert(server.port > 0);
  assert.equal(server.hostname, "127.0.0.1");
  assert.equal(server.address, `127.0.0.1:${server.port}`);
  assert.equal(server.connections, 0);
});

ioTest("serve() names the address that is in use, and leaves nothing open", async () => {
  await using rig = await ServerRig.start();
  await assert.rejects(serve(oracle, { port: rig.port }), {
    name: "ServeError",
    code: "address-in-use",
    message: new RegExp(`^Cannot listen on 127\\.0\\.0\\.1:${rig.port}: another process listens`),
  });
  const response = await fetch(rig.url("/healthz"), { headers: { connection: "close" } });
  assert.equal(await response.text(), "ok\n");
});

ioTest("serve() names an address that this machine does not have", async () => {
  await assert.rejects(serve(oracle, { hostname: "192.0.2.1", port: 0, allowInsecure: true }), {
    code: "address-unavailable",
    message: /^Cannot listen on 192\.0\.2\.1:0: /,
  });
});

for (const hostname of ["0.0.0.0", "::", "192.0.2.1", "oracle.example"]) {
  Deno.test(`serve() refuses plaintext on ${hostname}`, async () => {
    await assert.rejects(serve(oracle, { hostname, port: 0 }), {
      name: "ServeError",
      code: "insecure-address",
      message: /others can reach it/,
    });
  });
}

ioTest("serve() serves plaintext on a routable address if that is meant", async () => {
  await using server = await serve(oracle, {
    hostname: "0.0.0.0",
    port: 0,
    allowInsecure: true,
    edge: EDGE,
  });
  const response = await fetch(`http://127.0.0.1:${server.port}/healthz`);
  assert.equal(await response.text(), "ok\n");
});

ioTest("serve() serves on the loopback of IPv6, with or without brackets", async () => {
  for (const hostname of ["::1", "[::1]"]) {
    await using server = await serve(oracle, { hostname, port: 0, edge: EDGE });
    assert.equal(server.address, `[::1]:${server.port}`);
    const response = await fetch(`http://${server.address}/healthz`);
    assert.equal(await response.text(), "ok\n");
  }
});

const OUT_OF_RANGE: readonly (readonly [string, ServeOptions])[] = [
  ["port", { port: 65_536 }],
  ["port", { port: -1 }],
  ["port", { port: 1.5 }],
  ["shutdownGraceMs", { shutdownGraceMs: -1 }],
  ["lameDuckMs", { lameDuckMs: NaN }],
  ["messageBytes", { limits: { messageBytes: 0 } }],
  ["corsOrigins", { corsOrigins: ["app.example"] }],
];

for (const [name, options] of OUT_OF_RANGE) {
  Deno.test(`serve() refuses ${JSON.stringify(options)}`, async () => {
    await assert.rejects(serve(oracle, { port: 0, ...options }), {
      name: "RangeError",
      message: new RegExp(`^Cannot serve as '${name}' must `),
    });
  });
}

Deno.test("serve() refuses a certificate that cannot be used before it listens", async () => {
  const tls = { certPem: "hello", keyPem: "hello" };
  await assert.rejects(serve(oracle, { port: 0, tls }), { code: "bad-certificate" });
});
