// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { SERVE_FLAGS, SERVE_SECTIONS } from "../../src/cli/serve/flags.ts";
import { checkLeaseTtls } from "../../src/cli/serve/lease_ttls.ts";
import { resolveSettings } from "../../src/cli/settings.ts";
import { DEFAULT_EDGE, DEFAULT_LIMITS, DEFAULT_PORT } from "../../src/net/mod.ts";
import { DEFAULT_MAX_LEASES } from "../../src/server/options.ts";
import { ioTest } from "../_support/levels.ts";
import { serveLocally } from "./_support/local_server.ts";

const { settings } = resolveSettings(SERVE_FLAGS, new Map(), {});

Deno.test("tsoracle serve has the defaults of the original", () => {
  assert.deepEqual(settings.listen, { hostname: "127.0.0.1", port: 50_551 });
  assert.deepEqual(settings.metricsListen, { hostname: "127.0.0.1", port: 9_551 });
  assert.equal(settings.directory, "./tsoracle-data");
  assert.equal(settings.windowAheadMs, 3_000);
  assert.equal(settings.failoverAdvanceMs, 1_000);
  assert.equal(settings.heartbeatIntervalMs, 10_000);
  assert.equal(settings.shutdownGraceMs, 10_000);
  assert.deepEqual(settings.log, { level: "info", refused: undefined });
  assert.equal(settings.noMetrics, false);
  assert.equal(settings.maxSequenceCount, 65_536);
  assert.equal(settings.maxSequenceBatchKeys, 128);
  assert.equal(settings.maxSequenceKeys, undefined, "as the state directory says");
  assert.equal(settings.minLeaseTtlMs, 5_000);
  assert.equal(settings.maxLeaseTtlMs, 300_000);
});

Deno.test("tsoracle serve shows each of its flags in a section, and none twice", () => {
  const shown = SERVE_SECTIONS.flatMap(({ flags }) => Object.keys(flags));
  assert.deepEqual(shown.sort(), Object.keys(SERVE_FLAGS).sort());
});

Deno.test("tsoracle serve has the defaults of the library where the original has none", () => {
  const limits = Object.keys(DEFAULT_LIMITS) as (keyof typeof DEFAULT_LIMITS)[];
  for (const limit of limits) assert.equal(settings[limit], DEFAULT_LIMITS[limit], limit);
  assert.equal(settings.listen.port, DEFAULT_PORT);
  assert.equal(settings.refillFraction, 1 / 3);
  assert.equal(settings.maxLeases, DEFAULT_MAX_LEASES);
  assert.equal(settings.lameDuckMs, 0);
  assert.equal(settings.edge, DEFAULT_EDGE);
  assert.equal(settings.allowInsecure, false);
  assert.deepEqual(settings.corsOrigins, []);
});

Deno.test("tsoracle serve refuses a longest lease that is shorter than the shortest one, and names both", () => {
  checkLeaseTtls({ minLeaseTtlMs: 5_000, maxLeaseTtlMs: 5_000 });
  assert.throws(() => checkLeaseTtls({ minLeaseTtlMs: 5_000, maxLeaseTtlMs: 4_999 }), {
    name: "UsageError",
    message: "Cannot use --lease-ttl-max 4s999ms: it must be at least --lease-ttl-min, which is 5s",
  });
});

ioTest("tsoracle serve hands the limits of sequences and leases on", async () => {
  await using server = await serveLocally({
    flags: [
      ...["--max-seq-count", "5", "--max-seq-batch-keys", "2", "--max-seq-keys", "1"],
      ...["--lease-ttl-min", "1s", "--lease-ttl-max", "2s", "--max-leases", "1"],
    ],
  });
  const post = (method: string, body: object) => call(server.address, method, body);
  const entries = (...keys: string[]) => ({ entries: keys.map((key) => ({ key, count: 1 })) });
  const lease = (holder: string, ttlMs: number) => ({ holder: btoa(holder), ttlMs });
  assert.match(await post("GetSeq", { key: "a", count: 6 }), /the maximum is 5/);
  assert.match(await post("GetSeqBatch", entries("a", "b", "c")), /the maximum is 2/);
  assert.match(await post("GetSeqBatch", entries("a", "b")), /cardinality cap 1 reached/);
  assert.match(await post("GetSeq", { key: "a", count: 5 }), /"start":"0","count":5/);
  assert.match(await post("AcquireLease", lease("a", 999)), /ttl_ms must be 1000 to 2000/);
  assert.match(await post("AcquireLease", lease("a", 2_001)), /ttl_ms must be 1000 to 2000/);
  assert.match(await post("AcquireLease", lease("a", 2_000)), /"leaseId":/);
  assert.match(await post("AcquireLease", lease("b", 1_000)), /there are 1 leases/);
});

async function call(address: string, method: string, body: object): Promise<string> {
  const answer = await fetch(`http://${address}/tsoracle.v1.TsoService/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return await answer.text();
}
