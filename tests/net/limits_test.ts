// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { DEFAULT_LIMITS, resolveLimits } from "../../src/net/limits.ts";

Deno.test("resolveLimits() keeps the default of what is left out", () => {
  assert.deepEqual(resolveLimits(), { ...DEFAULT_LIMITS, watches: 250 });
  assert.deepEqual(resolveLimits({ connections: 9 }), {
    ...DEFAULT_LIMITS,
    connections: 9,
    watches: 2,
  });
  assert.equal(resolveLimits({ connections: 3 }).watches, 1);
  assert.equal(resolveLimits({ connections: 9, watches: 7 }).watches, 7);
});

for (const value of [0, -1, 1.5, NaN, Infinity, 2 ** 31]) {
  Deno.test(`resolveLimits() refuses ${value}`, () => {
    assert.throws(() => resolveLimits({ idleTimeoutMs: value }), {
      name: "RangeError",
      message: "Cannot serve as 'idleTimeoutMs' must be a whole number from 1 to 2147483647: " +
        `current value is ${value}`,
    });
  });
}
