// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { UnheldClock } from "../../src/grpc/unheld_clock.ts";
import { SystemClock } from "../../src/clock/system_clock.ts";
import { LONGEST_TIMER_MS } from "../../src/core/timer_limit.ts";

Deno.test("UnheldClock.delay() waits if it is longer than a timer can be", async () => {
  const clock = new UnheldClock();
  const stop = new AbortController();
  let isOver = false;
  const long = clock.delay(2 * LONGEST_TIMER_MS, stop).finally(() => isOver = true);
  await new SystemClock().delay(20);
  assert.equal(isOver, false);
  stop.abort(new Error("enough"));
  await assert.rejects(long, /enough/);
});
