// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import fc from "fast-check";
import { formatEndpoint, parseEndpoint } from "../../src/core/endpoint.ts";
import { CoreError } from "../../src/core/errors.ts";

/** What behaviour.md 2.8 accepts. */
const ACCEPTED = [
  { text: "10.0.0.7:50551", host: "10.0.0.7", port: 50_551 },
  { text: "tso-0.tso.svc.cluster.local:50551", host: "tso-0.tso.svc.cluster.local", port: 50_551 },
  { text: "[::1]:50551", host: "[::1]", port: 50_551 },
  { text: "[fe80::1%eth0]:443", host: "[fe80::1%eth0]", port: 443 },
  { text: "localhost:1", host: "localhost", port: 1 },
  { text: "localhost:65535", host: "localhost", port: 65_535 },
];

/** What behaviour.md 2.8 refuses, with a word of the rule that each one breaks. */
const REFUSED = [
  { text: "", rule: "empty" },
  { text: "http://10.0.0.7:50551", rule: "scheme" },
  { text: "https://10.0.0.7:50551", rule: "scheme" },
  { text: "HTTP://10.0.0.7:50551", rule: "scheme" },
  { text: "hTTps://[::1]:50551", rule: "scheme" },
  { text: "grpc://10.0.0.7:50551", rule: "scheme" },
  { text: "10.0.0.7", rule: "port is missing" },
  { text: "[::1]", rule: "port" },
  { text: "::1", rule: "brackets" },
  { text: "fe80::1:443", rule: "brackets" },
  { text: "[::1:443", rule: "brackets" },
  { text: ":50551", rule: "host is missing" },
  { text: ":", rule: "host is missing" },
  { text: "10.0.0.7:", rule: "port must be" },
  { text: "10.0.0.7:0", rule: "port must be" },
  { text: "10.0.0.7:00000", rule: "port must be" },
  { text: "10.0.0.7:65536", rule: "port must be" },
  { text: "10.0.0.7:99999", rule: "port must be" },
  { text: "10.0.0.7:4294967297", rule: "port must be" },
  { text: "10.0.0.7:-1", rule: "port must be" },
  { text: "10.0.0.7:+80", rule: "port must be" },
  { text: "10.0.0.7:0x50", rule: "port must be" },
  { text: "10.0.0.7:1e3", rule: "port must be" },
  { text: "10.0.0.7:80.0", rule: "port must be" },
  { text: "10.0.0.7:http", rule: "port must be" },
  { text: "10.0.0.7:٣", rule: "port must be" },
  { text: " 10.0.0.7:80", rule: "character" },
  { text: "10.0.0.7 :80", rule: "character" },
  { text: "10.0.0.7:80 ", rule: "port must be" },
  { text: "10.0.0.7: 80", rule: "port must be" },
  { text: "10.0.0.7:80\n", rule: "port must be" },
  { text: "ten\tzero:80", rule: "character" },
  { text: " :80", rule: "character" },
  { text: "10.0.0.7:80/path", rule: "port must be" },
  { text: "10.0.0.7/path:80", rule: "character" },
  { text: "user@10.0.0.7:80", rule: "character" },
  { text: "10.0.0.7?x:80", rule: "character" },
];

for (const { text, host, port } of ACCEPTED) {
  Deno.test(`parseEndpoint() takes ${text}, and formatEndpoint() writes it again`, () => {
    assert.deepEqual(parseEndpoint(text), { host, port });
    assert.equal(formatEndpoint({ host, port }), text);
  });
}

for (const { text, rule } of REFUSED) {
  Deno.test(`parseEndpoint() refuses ${JSON.stringify(text)}: ${rule}`, () => {
    assert.throws(() => parseEndpoint(text), (error) => {
      assert(error instanceof CoreError);
      assert.equal(error.code, "invalid-endpoint");
      assert(error.message.includes(JSON.stringify(text)), "the message quotes the text");
      assert(error.message.includes(rule), error.message);
      return true;
    });
  });
}

Deno.test("parseEndpoint() undoes formatEndpoint() for every host and port", () => {
  const host = fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6().map((address) => `[${address}]`));
  const port = fc.integer({ min: 1, max: 65_535 });
  fc.assert(fc.property(fc.record({ host, port }, { noNullPrototype: true }), (endpoint) => {
    assert.deepEqual(parseEndpoint(formatEndpoint(endpoint)), endpoint);
  }));
});

Deno.test("parseEndpoint() returns an endpoint in range or throws a CoreError, whatever it is given", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({
      unit: fc.constantFrom("a", ":", "[", "]", "0", "1", "6", "/", " ", "h", "t", "p"),
    }),
  );
  fc.assert(fc.property(text, (candidate) => {
    try {
      const { host, port } = parseEndpoint(candidate);
      assert(host.length > 0 && port >= 1 && port <= 65_535 && Number.isInteger(port));
      assert(!candidate.includes("://"));
    } catch (error) {
      assert(error instanceof CoreError, String(error));
    }
  }));
});
