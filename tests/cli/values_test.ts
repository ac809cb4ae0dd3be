// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { formatAddress } from "../../src/net/address.ts";
import {
  parseFraction,
  parseListenAddress,
  parseOrigin,
  parseServerAddress,
  wholeNumber,
} from "../../src/cli/values.ts";

Deno.test("parseListenAddress() reads names, IPv4 and IPv6 and is undone by formatAddress()", () => {
  const cases = {
    "127.0.0.1:50551": { hostname: "127.0.0.1", port: 50_551 },
    "localhost:0": { hostname: "localhost", port: 0 },
    "[::1]:65535": { hostname: "::1", port: 65_535 },
  };
  for (const [text, address] of Object.entries(cases)) {
    assert.deepEqual(parseListenAddress(text), address);
    assert.equal(formatAddress(address.hostname, address.port), text);
  }
});

Deno.test("parseListenAddress() refuses what is not host:port", () => {
  for (const text of ["", "50551", ":50551", "host", "host:", "http://host:1", "::1:1", "a b:1"]) {
    assert.throws(() => parseListenAddress(text), { message: /host:port without a scheme/ }, text);
  }
  assert.throws(() => parseListenAddress("host:65536"), { message: /0 to 65535/ });
});

Deno.test("parseServerAddress() refuses port 0", () => {
  assert.throws(() => parseServerAddress("host:0"), { message: /1 to 65535/ });
  assert.equal(parseServerAddress("host:1").port, 1);
});

Deno.test("wholeNumber() keeps to its range and its digits", () => {
  const parse = wholeNumber(1, 262_144);
  assert.equal(parse("1"), 1);
  assert.equal(parse("262_144"), 262_144);
  for (const text of ["0", "262145", "-1", "1.5", "1e3", "", " 1", "_1", "1__0", "0x10"]) {
    assert.throws(() => parse(text), { message: /whole number from 1 to 262144/ }, text);
  }
});

Deno.test("parseFraction() reads decimals and quotients between 0 and 1", () => {
  assert.equal(parseFraction("1/3"), 1 / 3);
  assert.equal(parseFraction("0.25"), 0.25);
  assert.equal(parseFraction(".5"), 0.5);
  for (const text of ["0", "1", "0/3", "3/3", "1/0", "-0.5", "2", "", "a", "1/3/3"]) {
    assert.throws(() => parseFraction(text), { message: /above 0 and below 1/ }, text);
  }
});

Deno.test("parseOrigin() takes an origin as a browser sends it, or every origin", () => {
  for (const text of ["https://app.example", "http://localhost:3000", "*"]) {
    assert.equal(parseOrigin(text), text);
  }
  for (
    const text of ["app.example", "https://app.example/", "https://A.example", "ftp://a", "null"]
  ) {
    assert.throws(() => parseOrigin(text), { message: /scheme and host/ }, text);
  }
});
