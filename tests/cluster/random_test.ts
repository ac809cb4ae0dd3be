// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { randomOf, shuffled } from "./_support/random.ts";

Deno.test("shuffled() gives every item once, and under some seed any item first", () => {
  const items = Array.from({ length: 25 }, (_, index) => index);
  const first = new Set<number>();
  for (let seed = 1; seed <= 1_000; seed++) {
    const order = shuffled(randomOf(seed), items);
    assert.deepEqual(order.toSorted((one, other) => one - other), items);
    first.add(order[0]!);
  }
  assert.deepEqual([...first].toSorted((one, other) => one - other), items);
});
