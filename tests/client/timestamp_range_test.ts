// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import fc from "fast-check";
import { TimestampRange } from "../../src/client/timestamp_range.ts";
import { MAX_COUNT, packTimestamp } from "../../src/core/timestamp.ts";

const PHYSICAL_MS = 1_800_000_000_000;

const block = fc.integer({ min: 0, max: MAX_COUNT - 1 }).chain((logicalStart) =>
  fc.record({
    physicalMs: fc.constant(PHYSICAL_MS),
    logicalStart: fc.constant(logicalStart),
    count: fc.integer({ min: 1, max: Math.min(50, MAX_COUNT - logicalStart) }),
    epoch: fc.constant(3n),
  })
);

Deno.test("TimestampRange has the timestamps of its block, in order", () => {
  fc.assert(fc.property(block, (granted) => {
    const range = new TimestampRange(granted);
    const first = packTimestamp(PHYSICAL_MS, granted.logicalStart);
    const expected = Array.from({ length: granted.count }, (_, index) => first + BigInt(index));
    assert.equal(range.length, granted.count);
    assert.deepEqual([...range].map((ts) => ts.toBigInt()), expected);
    assert.deepEqual(expected.map((_, index) => range.at(index).toBigInt()), expected);
    assert.equal(range.first.toBigInt(), expected[0]);
    assert.equal(range.last.toBigInt(), expected.at(-1));
    assert.equal(range.last.epoch, 3n);
  }));
});

Deno.test("TimestampRange is the part of a block that it is told to be", () => {
  const granted = { physicalMs: PHYSICAL_MS, logicalStart: 10, count: 9, epoch: 3n };
  const range = new TimestampRange(granted, { offset: 4, length: 2 });
  assert.deepEqual([...range].map(({ logical }) => logical), [14, 15]);
});

Deno.test("TimestampRange.at() refuses an index that it does not have", () => {
  const range = new TimestampRange({
    physicalMs: PHYSICAL_MS,
    logicalStart: 0,
    count: 3,
    epoch: 0n,
  });
  for (const index of [-1, 3, 0.5, NaN, Infinity]) {
    assert.throws(() => range.at(index), {
      name: "RangeError",
      message: `Cannot take the timestamp at ${index}: the range has indexes 0 to 2`,
    });
  }
});

Deno.test("TimestampRange makes timestamps only when they are asked for", () => {
  const range = new TimestampRange({
    physicalMs: PHYSICAL_MS,
    logicalStart: 0,
    count: MAX_COUNT,
    epoch: 0n,
  });
  const seen: number[] = [];
  for (const { logical } of range) {
    seen.push(logical);
    if (seen.length === 3) break;
  }
  assert.deepEqual(seen, [0, 1, 2]);
  assert.equal(Object.values(range).length, 4, "four numbers, whatever the length");
});

Deno.test("TimestampRange is its two ends in JSON", () => {
  const range = new TimestampRange({ physicalMs: 1, logicalStart: 2, count: 3, epoch: 0n });
  assert.equal(JSON.stringify(range), '{"first":"262146","last":"262148","length":3}');
});
