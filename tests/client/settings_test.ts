// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { Channel } from "../../src/client/channels/channel.ts";
import type { ClientOptions } from "../../src/client/options.ts";
import { resolveClientOptions } from "../../src/client/settings.ts";

function connect(): Channel {
  throw new Error("not here");
}

function resolve(options: Partial<ClientOptions> = {}) {
  return resolveClientOptions({ endpoints: ["a:1"], ...options }, connect);
}

/** What must be refused, and what the message must name. */
const WRONG: readonly (readonly [Partial<ClientOptions>, RegExp])[] = [
  [{ endpoints: [] }, /'endpoints' must be a list of at least one address: current value is \[\]/],
  [{ endpoints: "a:1" as unknown as string[] }, /'endpoints' must be a list.*"a:1"/],
  [{ endpoints: [7 as unknown as string] }, /'endpoints' must be a list of texts.*7/],
  [{ endpoints: ["a"] }, /"a".*the port is missing.*'endpoints'/],
  [{ endpoints: ["grpc://a:1"] }, /"grpc:\/\/a:1".*scheme/],
  [{ endpoints: ["http://a:1/path"] }, /"a:1\/path"/],
  [{ endpoints: ["http://"] }, /empty/],
  [{ endpoints: ["http://a:1", "https://a:1"] }, /either http:\/\/a:1 or https:\/\/a:1/],
  [{ maxInFlight: 0 }, /'maxInFlight' must be a whole number from 1.*: current value is 0/],
  [{ maxInFlight: 1.5 }, /'maxInFlight'.*1\.5/],
  [{ maxQueued: 0 }, /'maxQueued'.*0/],
  [{ leaderTtlMs: 0 }, /'leaderTtlMs' must be a whole number of milliseconds.*0/],
  [{ leaderTtlMs: NaN }, /'leaderTtlMs'.*NaN/],
  [{ retry: { maxAttempts: 0 } }, /'retry\.maxAttempts'.*0/],
  [{ retry: { attemptTimeoutMs: 0 } }, /'retry\.attemptTimeoutMs'.*0/],
  [{ retry: { attemptTimeoutMs: 86_400_001 } }, /'retry\.attemptTimeoutMs'.*86400001/],
  [{ retry: { timeoutMs: 2 ** 31 } }, /'retry\.timeoutMs'.*2147483648/],
  [{ retry: { baseBackoffMs: -1 } }, /'retry\.baseBackoffMs'.*-1/],
  [{ retry: { baseBackoffMs: 0 } }, /'retry\.baseBackoffMs' .* from 1 to .*: current value is 0/],
  [{ tls: { cert: "secret" } }, /'tls' must be a certificate with its key.*only cert/],
  [{ tls: { key: "secret" } }, /'tls' must be a certificate with its key.*only key/],
];

for (const [options, message] of WRONG) {
  Deno.test(`resolveClientOptions() refuses ${JSON.stringify(options)}`, () => {
    assert.throws(() => resolve(options), {
      name: "TsoClientError",
      code: "invalid-argument",
      message,
    });
  });
}

Deno.test("resolveClientOptions() never shows a key", () => {
  assert.throws(
    () => resolve({ tls: { key: "secret" } }),
    (error) => !String(error).includes("secret"),
  );
});

Deno.test("resolveClientOptions() fills in the defaults of behaviour.md 6.4", () => {
  const settings = resolve();
  assert.deepEqual(settings.retry, {
    maxAttempts: 5,
    attemptTimeoutMs: 2_000,
    timeoutMs: 10_000,
    baseBackoffMs: 50,
  });
  const { maxInFlight, maxQueued, leaderTtlMs } = settings;
  assert.deepEqual([maxInFlight, maxQueued, leaderTtlMs], [2, 65_536, 30_000]);
  assert.equal(settings.connect, connect);
});

Deno.test("resolveClientOptions() lets the user's way to connect replace the default", () => {
  const own = () => connect();
  assert.equal(resolve({ connect: own }).connect, own);
});

/** Endpoint and setting, and the origin that they give (behaviour.md 6.10). */
const ORIGINS: readonly (readonly [string, ClientOptions["tls"], string])[] = [
  ["a:1", undefined, "http://a:1"],
  ["a:1", false, "http://a:1"],
  ["a:1", true, "https://a:1"],
  ["a:1", { ca: "x" }, "https://a:1"],
  ["http://a:1", undefined, "http://a:1"],
  ["http://a:1", true, "http://a:1"],
  ["https://a:1", undefined, "https://a:1"],
  ["https://a:1", true, "https://a:1"],
  ["HTTPS://A:1/", undefined, "https://a:1"],
  ["https://a:443", undefined, "https://a:443"],
  ["[::1]:1", undefined, "http://[::1]:1"],
];

for (const [text, tls, origin] of ORIGINS) {
  Deno.test(`resolveClientOptions() reaches ${text} at ${origin} with tls ${JSON.stringify(tls)}`, () => {
    const [address] =
      resolve({ endpoints: [text], ...(tls === undefined ? {} : { tls }) }).endpoints;
    assert.equal(address?.origin, origin);
    assert.equal(address?.name, origin.replace(/^https?:\/\//, ""));
    assert.equal(address?.configured, true);
    const certificates = typeof tls === "object" && origin.startsWith("https") ? tls : undefined;
    assert.equal(address?.tls, certificates);
  });
}

Deno.test("resolveClientOptions() counts an endpoint once that is named twice", () => {
  const { endpoints } = resolve({ endpoints: ["a:1", "http://A:1", "b:1", "a:01"] });
  assert.deepEqual(endpoints.map(({ name }) => name), ["a:1", "b:1"]);
});

Deno.test("resolveClientOptions() speaks TLS to hints as soon as one endpoint of the user does", () => {
  assert.equal(resolve().hints.secure, false);
  assert.equal(resolve({ endpoints: ["http://a:1"] }).hints.secure, false);
  assert.equal(resolve({ endpoints: ["http://a:1", "https://b:1"] }).hints.secure, true);
  assert.equal(resolve({ endpoints: ["http://a:1"], tls: true }).hints.secure, true);
});
