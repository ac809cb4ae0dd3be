// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { scaled } from "../../_support/levels.ts";
import { OraclePair } from "./_support/oracle_pair.ts";

const WINDOW_MS = 3_000;
const ADVANCE_MS = 1_000;
const WINDOWS = { windowAheadMs: WINDOW_MS, failoverAdvanceMs: ADVANCE_MS };

Deno.test("600 leader changes 2 x failover_advance apart leave the high-water within failover_advance + window_ahead of the clock", async () => {
  await using pair = new OraclePair({ ...WINDOWS, leaseMs: 1_500 });
  await pair.pass(100, true);
  for (let changes = 0; changes < 600; changes++) {
    await pair.changeLeader(true);
    const aheadMs = pair.engine.highWaterMs - pair.latestMs;
    assert(aheadMs <= ADVANCE_MS + WINDOW_MS, `${aheadMs} ms ahead after ${changes} changes`);
    await pair.pass(2 * ADVANCE_MS - 1_575, true);
  }
  assert(pair.grants > 600 * 10);
  assert(pair.engine.highWaterMs - pair.latestMs <= ADVANCE_MS + WINDOW_MS);
});

Deno.test("in a storm of leader changes each moves the high-water by failover_advance + 1 ms, and by no more", async () => {
  await using pair = new OraclePair({ ...WINDOWS, leaseMs: 300 });
  await pair.pass(100, false);
  // The idle refill of the first leader is over, and each fence finds a high-water above the clock.
  for (let changes = 0; changes < scaled(40, 400); changes++) {
    const beforeMs = pair.engine.highWaterMs;
    await pair.changeLeader(false);
    const movedMs = pair.engine.highWaterMs - beforeMs;
    assert.equal(movedMs, ADVANCE_MS + 1, `after ${changes} changes`);
  }
});

Deno.test("clocks 30 s apart that step both ways: grants grow, and the high-water stays near the clock that is ahead", async () => {
  await using pair = new OraclePair({ ...WINDOWS, leaseMs: 1_500, apartMs: 30_000 });
  await pair.pass(100, true);
  for (let changes = 0; changes < scaled(60, 600); changes++) {
    // Back and forth by up to 12 s: over two rounds the clocks are where they were.
    const stepMs = (changes % 4 - 1.5) * 8_000;
    pair.jump(changes % 2, stepMs);
    await pair.changeLeader(true);
    await pair.pass(2 * ADVANCE_MS - 1_575, true);
    const aheadMs = pair.engine.highWaterMs - pair.latestMs;
    assert(aheadMs <= ADVANCE_MS + WINDOW_MS, `${aheadMs} ms ahead after ${changes} changes`);
  }
  assert(pair.grants > 60 * 10);
});
