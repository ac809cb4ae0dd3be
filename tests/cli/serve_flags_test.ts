// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { SERVE_FLAGS } from "../../src/cli/serve/flags.ts";
import { resolveSettings } from "../../src/cli/settings.ts";
import { DEFAULT_LIMITS, DEFAULT_PORT } from "../../src/net/mod.ts";

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
});

Deno.test("tsoracle serve has the defaults of the library where the original has none", () => {
  const limits = Object.keys(DEFAULT_LIMITS) as (keyof typeof DEFAULT_LIMITS)[];
  for (const limit of limits) assert.equal(settings[limit], DEFAULT_LIMITS[limit], limit);
  assert.equal(settings.listen.port, DEFAULT_PORT);
  assert.equal(settings.refillFraction, 1 / 3);
  assert.equal(settings.lameDuckMs, 0);
  assert.equal(settings.allowInsecure, false);
  assert.deepEqual(settings.corsOrigins, []);
});
