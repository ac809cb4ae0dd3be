// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { configuredAddress } from "../../../src/client/leader/endpoint_address.ts";
import type { TlsSetting } from "../../../src/client/leader/endpoint_address.ts";
import { HintReader, LEADER_HINT_KEY } from "../../../src/client/leader/hint.ts";
import type { HintReading } from "../../../src/client/leader/hint.ts";
import { leaderHintMetadata } from "../../../src/rpc/leader_hint.ts";
import { hintText } from "../_support/scripted_servers.ts";

const PLAIN: TlsSetting = { secure: false, tls: undefined };
const TLS: TlsSetting = { secure: true, tls: { ca: "an authority" } };

function read(value: string | undefined, setting = PLAIN, endpoints: readonly string[] = []) {
  const configured = endpoints.map((text) => configuredAddress(text, setting));
  const headers = new Headers(value === undefined ? {} : { [LEADER_HINT_KEY]: value });
  return new HintReader(configured, setting).read(headers);
}

/** What a reading says, without the address. */
function gist(reading: HintReading): unknown {
  return reading.kind === "leader" ? [reading.address.name, reading.epoch] : reading.kind;
}

function base64(hex: string): string {
  return Buffer.from(hex, "hex").toString("base64");
}

/** The vectors of behaviour.md 15.5, and what this client makes of them. */
const VECTORS: readonly (readonly [string, unknown])[] = [
  ["", "nobody"],
  ["0a0e31302e302e302e373a3530353531", ["10.0.0.7:50551", undefined]],
  ["0a0e31302e302e302e373a35303535311202102a", ["10.0.0.7:50551", 42n]],
  ["0a0e31302e302e302e373a3530353531120408011003", ["10.0.0.7:50551", (1n << 64n) + 3n]],
  ["0a0e31302e302e302e373a35303535311200", ["10.0.0.7:50551", 0n]],
  ["12021007", "nobody"],
  ["0a00", "nobody"],
  ["ffffffff", "unusable"],
  ["0a0e31302e", "unusable"],
];

for (const [hex, expected] of VECTORS) {
  Deno.test(`HintReader.read() makes ${JSON.stringify(gistText(expected))} of ${hex || "nothing"}`, () => {
    const text = base64(hex);
    assert.deepEqual(gist(read(text)), expected);
    assert.deepEqual(gist(read(text.replace(/=+$/, ""))), expected, "without padding");
  });
}

function gistText(expected: unknown): string {
  return Array.isArray(expected) ? expected.join(" of epoch ") : String(expected);
}

Deno.test("HintReader.read() tells an absent trailer from an empty one", () => {
  assert.equal(read(undefined).kind, "absent");
  assert.equal(read("").kind, "nobody");
  assert.equal(read(" , ").kind, "nobody");
});

const HINT = hintText({ endpoint: "b:1", epoch: 2n });

Deno.test("HintReader.read() takes copies of one hint for one, and two hints for none", () => {
  const leader = ["b:1", 2n];
  assert.deepEqual(gist(read(`${HINT}, ${HINT}`)), leader);
  assert.deepEqual(gist(read(`${HINT},`)), leader);
  assert.equal(read(`${HINT}, ${hintText({ endpoint: "c:1" })}`).kind, "unusable");
});

for (const text of ["!!!!", "Cg", "A", "====", "CgRhOjE=CgRhOjE=", "Cg RhOjE", "\u00ff"]) {
  Deno.test(`HintReader.read() cannot use ${JSON.stringify(text)}`, () => {
    assert.equal(read(text).kind, "unusable");
  });
}

for (
  const endpoint of [
    "http://a:1",
    "HTTP://a:1",
    "https://a:1",
    "grpc://a:1",
    "a",
    "a:0",
    "a:70000",
    ":1",
    "user@a:1",
    "a/b:1",
    "a\\b:1",
    "a?b:1",
    "a b:1",
    "::1:1",
    "[::g]:1",
    "1.2.3.4.5:1",
    "%zz:1",
  ]
) {
  Deno.test(`HintReader.read() does not go to ${JSON.stringify(endpoint)}`, () => {
    assert.equal(read(hintText({ endpoint })).kind, "unusable");
  });
}

Deno.test("HintReader.read() inherits TLS, and only that", () => {
  const secure = read(HINT, TLS);
  assert.equal(secure.kind === "leader" && secure.address.origin, "https://b:1");
  assert.equal(secure.kind === "leader" && secure.address.tls, TLS.tls);
  const plain = read(HINT, PLAIN);
  assert.equal(plain.kind === "leader" && plain.address.origin, "http://b:1");
});

Deno.test("HintReader.read() reaches an endpoint of the user as the user said", () => {
  const reading = read(HINT, TLS, ["http://B:1"]);
  assert.equal(reading.kind === "leader" && reading.address.origin, "http://b:1");
  assert.equal(reading.kind === "leader" && reading.address.configured, true);
});

Deno.test("HintReader.read() knows an endpoint in another spelling", () => {
  for (
    const [endpoint, name] of [["B:01", "b:1"], ["[0:0::1]:5", "[::1]:5"], [
      "127.1:5",
      "127.0.0.1:5",
    ]]
  ) {
    assert.deepEqual(gist(read(hintText({ endpoint: endpoint ?? "" }))), [name, undefined]);
  }
});

Deno.test("HintReader.read() reads what our server writes", () => {
  const hint = {
    leaderEndpoint: { host: "10.0.0.7", port: 50_551 },
    leaderEpoch: (7n << 64n) + 1n,
  };
  const value = leaderHintMetadata(hint)[LEADER_HINT_KEY];
  assert.deepEqual(gist(read(value)), ["10.0.0.7:50551", hint.leaderEpoch]);
});
