// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { LateChecks } from "../../src/rpc/late_check.ts";
import type { ServingState } from "../../src/server/serving.ts";

const SERVING: ServingState = { kind: "serving", epoch: 1n };

Deno.test("LateChecks holds while the same leadership lasts and is certain", () => {
  const oracle = { isServing: true, state: SERVING };
  const check = new LateChecks(oracle).current;
  assert.equal(check?.holds(), true);
  oracle.isServing = false;
  assert.equal(check?.holds(), false);
});

Deno.test("LateChecks does not take the next leadership of a node for the one before", () => {
  const oracle = { isServing: true, state: SERVING };
  const checks = new LateChecks(oracle);
  const before = checks.current;
  oracle.state = { kind: "serving", epoch: 2n };
  assert.equal(before?.holds(), false);
  assert.equal(checks.current?.holds(), true);
});

Deno.test("LateChecks makes one check for all calls of a leadership, and none without one", () => {
  const oracle: { isServing: boolean; state: ServingState } = { isServing: true, state: SERVING };
  const checks = new LateChecks(oracle);
  assert.equal(checks.current, checks.current);
  oracle.state = { kind: "not-serving" };
  assert.equal(checks.current, undefined);
});
