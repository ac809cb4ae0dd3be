// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { tallyOf, tallyStep } from "../../tools/ci.ts";

Deno.test("tallyOf() reads a summary of deno test", () => {
  const output = "a ... ok (1ms)\n\nok | 12 passed (3 steps) | 0 failed | 2 ignored (2s)\n";
  assert.deepEqual(tallyOf(output), { passed: 12, failed: 0, ignored: 2 });
});

Deno.test("tallyOf() reads the summary of a failed run", () => {
  const output = "FAILED | 12 passed | 3 failed (1 step) (2s)\n\nerror: Test failed\n";
  assert.deepEqual(tallyOf(output), { passed: 12, failed: 3, ignored: 0 });
});

Deno.test("tallyOf() takes the last summary, which is the runner's own", () => {
  const output = "ok | 1 passed | 0 failed (1ms)\nFAILED | 7 passed | 1 failed (2s)\n";
  assert.deepEqual(tallyOf(output), { passed: 7, failed: 1, ignored: 0 });
});

Deno.test("tallyOf() finds nothing where the runner did not get to its end", () => {
  assert.equal(tallyOf("error: Uncaught (in promise)\n"), undefined);
});

Deno.test("tallyStep() counts a check as one", () => {
  assert.deepEqual(tallyStep({ success: true, output: "" }, false), {
    passed: 1,
    failed: 0,
    ignored: 0,
  });
  assert.equal(tallyStep({ success: false, output: "" }, false).failed, 1);
});

Deno.test("tallyStep() counts a run of tests that ended badly without a failed test", () => {
  const output = "ok | 12 passed | 0 failed (2s)\n";
  assert.deepEqual(tallyStep({ success: false, output }, true), {
    passed: 12,
    failed: 1,
    ignored: 0,
  });
  assert.equal(tallyStep({ success: false, output: "killed\n" }, true).failed, 1);
});
