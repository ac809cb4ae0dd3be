// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { EtcdDriver } from "../../../src/drivers/etcd/driver.ts";
import type { EtcdDriverOptions } from "../../../src/drivers/etcd/options.ts";
import { checkLocation } from "../../../src/drivers/etcd/options.ts";

const ENDPOINT = { host: "oracle", port: 50_551 };
const ENDPOINTS = ["etcd:2379"];

const REFUSED: readonly (readonly [string, Partial<EtcdDriverOptions>, RegExp])[] = [
  ["no endpoint", { endpoints: [] }, /'endpoints' must name at least one member of etcd/],
  [
    "an endpoint without a port",
    { endpoints: ["etcd"] },
    /"etcd" as an endpoint: the port is missing/,
  ],
  ["an endpoint with a path", { endpoints: ["http://etcd:2379/v3"] }, /as an endpoint/],
  ["another scheme", { endpoints: ["unix://etcd:2379"] }, /must not name a scheme/],
  ["an empty prefix", { prefix: "" }, /'prefix' must have 1 to 128 .*current value is ""/],
  ["a prefix with a space", { prefix: "a b" }, /'prefix' must have/],
  ["a long prefix", { prefix: "p".repeat(129) }, /'prefix' must have/],
  ["a prefix among another's leadership", { prefix: "a/leadership" }, /not have 'leadership'/],
  ["a prefix below another's sequences", { prefix: "a/sequences/b" }, /not have 'sequences'/],
  ["a certificate without a key", { tls: { certPem: "x" } }, /'tls.certPem' and 'tls.keyPem' must/],
  [
    "more sequences than fit",
    { maxSequenceKeys: 10_001 },
    /at most 10000, .*: current value is 10001/,
  ],
  ["no sequence", { maxSequenceKeys: 0 }, /'maxSequenceKeys'/],
  ["a short lease", { leaseMs: 299 }, /'leaseMs' must be 300/],
  ["no time for calls", { callTimeoutMs: 0 }, /'callTimeoutMs' must be above 0/],
];

for (const [what, options, message] of REFUSED) {
  Deno.test(`EtcdDriver refuses ${what}`, () => {
    const all = { endpoints: ENDPOINTS, endpoint: ENDPOINT, ...options };
    assert.throws(() => new EtcdDriver(all), message);
  });
}

Deno.test("EtcdDriver takes members with and without a scheme, and certificates", () => {
  const endpoints = ["etcd:2379", "http://etcd:2379", "https://[::1]:2379"];
  assert.deepEqual(checkLocation({ endpoints }), {
    urls: ["http://etcd:2379", "http://etcd:2379", "https://[::1]:2379"],
    tls: undefined,
    prefix: "tsoracle",
  });
  const tls = { caPem: "ca", certPem: "cert", keyPem: "key" };
  assert.deepEqual(checkLocation({ endpoints, tls, prefix: "a/leadership_c.d-1" }), {
    urls: ["https://etcd:2379", "http://etcd:2379", "https://[::1]:2379"],
    tls: { ca: "ca", cert: "cert", key: "key" },
    prefix: "a/leadership_c.d-1",
  });
  assert.deepEqual(checkLocation({ endpoints: ENDPOINTS, tls: true }).urls, ["https://etcd:2379"]);
});

Deno.test("EtcdDriver connects to nothing before it is used", async () => {
  await using driver = new EtcdDriver({ endpoints: ["etcd.invalid:1"], endpoint: ENDPOINT });
  assert.equal(typeof driver.leadershipEvents, "function");
});
