// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { QuietPeriod } from "../../src/rpc/quiet_period.ts";

Deno.test("QuietPeriod.admit() lets the first event through and holds the next", () => {
  const quiet = new QuietPeriod(3_600_000);
  assert.deepEqual([quiet.admit(), quiet.admit(), quiet.admit()], [0, undefined, undefined]);
});

Deno.test("QuietPeriod.admit() says after the period how many were held", () => {
  const quiet = new QuietPeriod(5);
  const untilMs = performance.now() + 1_000;
  quiet.admit();
  let held = 0;
  let admitted: number | undefined;
  while ((admitted = quiet.admit()) === undefined && performance.now() < untilMs) held += 1;
  assert.equal(admitted, held);
});
