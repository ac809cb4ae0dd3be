// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { formatAddress, isLoopback } from "../../src/net/address.ts";

for (
  const host of [
    "127.0.0.1",
    "127.9.9.9",
    "localhost",
    "LocalHost",
    "::1",
    "[::1]",
    "::ffff:127.0.0.1",
  ]
) {
  Deno.test(`isLoopback() says yes to ${host}`, () => assert.equal(isLoopback(host), true));
}

for (
  const host of [
    "0.0.0.0",
    "::",
    "[::]",
    "10.0.0.7",
    "192.168.1.1",
    "::ffff:10.0.0.7",
    "oracle.example",
    "localhost.example",
    "127.example",
    "128.0.0.1",
    "",
  ]
) {
  Deno.test(`isLoopback() says no to ${JSON.stringify(host)}`, () => {
    assert.equal(isLoopback(host), false);
  });
}

Deno.test("formatAddress() puts brackets around IPv6 alone", () => {
  assert.equal(formatAddress("127.0.0.1", 1), "127.0.0.1:1");
  assert.equal(formatAddress("localhost", 1), "localhost:1");
  assert.equal(formatAddress("::1", 1), "[::1]:1");
  assert.equal(formatAddress("[::1]", 1), "[::1]:1");
});
