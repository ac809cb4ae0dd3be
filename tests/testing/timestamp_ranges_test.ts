// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import fc from "fast-check";
import type { TimestampParts } from "../../src/core/timestamp.ts";
import { LOGICAL_MAX, packTimestamp, unpackTimestamp } from "../../src/core/timestamp.ts";
import type { TimestampSpan } from "../../src/testing/timestamp_ranges.ts";
import { compareParts, TimestampRanges } from "../../src/testing/timestamp_ranges.ts";
import { scaled } from "../_support/levels.ts";

const BASE = packTimestamp(1_000, LOGICAL_MAX - 10);

/** Values close to the end of a millisecond, so that spans cross it. */
function at(distance: number): TimestampParts {
  return unpackTimestamp(BASE + BigInt(distance));
}

function span(from: number, to: number): TimestampSpan {
  return { first: at(from), last: at(to) };
}

Deno.test("TimestampRanges.add() makes one span of those that touch, also over a millisecond", () => {
  const ranges = new TimestampRanges();
  for (const [from, to] of [[0, 3], [20, 30], [4, 10], [11, 19]] as const) {
    assert.equal(ranges.add(span(from, to)), undefined);
  }
  assert.equal(ranges.size, 1);
});

Deno.test("TimestampRanges.add() keeps spans apart between which a value is missing", () => {
  const ranges = new TimestampRanges();
  for (const [from, to] of [[0, 9], [11, 12], [14, 14]] as const) ranges.add(span(from, to));
  assert.equal(ranges.size, 3);
});

Deno.test("TimestampRanges.add() names the span that has a value already", () => {
  const ranges = new TimestampRanges();
  ranges.add(span(0, 9));
  assert.deepEqual(ranges.add(span(9, 12)), span(0, 9));
  assert.deepEqual(ranges.add(span(3, 3)), span(0, 12));
});

Deno.test("TimestampRanges.forgetUpTo() keeps a span of which one value is above", () => {
  const ranges = new TimestampRanges();
  for (const [from, to] of [[0, 3], [5, 8], [10, 12]] as const) ranges.add(span(from, to));
  ranges.forgetUpTo(at(7));
  assert.equal(ranges.size, 2);
  ranges.forgetUpTo(at(8));
  assert.equal(ranges.size, 1);
  assert.deepEqual(ranges.forgetLowest(), span(10, 12));
});

Deno.test("TimestampRanges.add() agrees with a set of single values", () => {
  const spans = fc.array(fc.tuple(fc.nat({ max: 40 }), fc.nat({ max: 5 })), { maxLength: 15 });
  fc.assert(
    fc.property(spans, (history) => {
      const ranges = new TimestampRanges();
      const values = new Set<number>();
      for (const [from, more] of history) {
        const own = Array.from({ length: more + 1 }, (_, index) => from + index);
        const shared = ranges.add(span(from, from + more));
        assert.equal(shared !== undefined, own.some((value) => values.has(value)));
        for (const value of own) values.add(value);
        const starts = [...values].filter((value) => !values.has(value - 1));
        assert.equal(ranges.size, starts.length);
      }
    }),
    { numRuns: scaled(1_000, 30_000) },
  );
});

Deno.test("compareParts() orders as the packed values do", () => {
  const parts = fc.record({
    physicalMs: fc.nat({ max: 3 }),
    logical: fc.nat({ max: LOGICAL_MAX }),
  });
  fc.assert(fc.property(parts, parts, (a, b) => {
    const apart = packTimestamp(a.physicalMs, a.logical) - packTimestamp(b.physicalMs, b.logical);
    assert.equal(Math.sign(compareParts(a, b)), apart < 0n ? -1 : apart > 0n ? 1 : 0);
  }));
});
