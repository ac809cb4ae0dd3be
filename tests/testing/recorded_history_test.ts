// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import fc from "fast-check";
import { checkHistory } from "../../src/testing/recorded_history.ts";
import type { HistoryCall } from "../../src/testing/recorded_history.ts";
import { scaled } from "../_support/levels.ts";

function call(startMs: number, endMs: number, firstPacked: bigint, count = 1): HistoryCall {
  return { startMs, endMs, firstPacked, count };
}

/** `size` calls of many clients that an honest oracle could have answered. */
function honestHistory(size: number): HistoryCall[] {
  let firstPacked = 445_644_800_000_000_000n;
  return Array.from({ length: size }, (_, index) => {
    const count = 1 + index % 7;
    const answered = call(index - index % 5, index + index % 3, firstPacked, count);
    firstPacked += BigInt(count + index % 2);
    return answered;
  });
}

/** The definition, by looking at every pair. */
function isSound(calls: readonly HistoryCall[]): boolean {
  return calls.every((a, i) =>
    calls.every((b, j) => i === j || (isDisjoint(a, b) && (a.endMs >= b.startMs || isBelow(a, b))))
  );
}

function isBelow(a: HistoryCall, b: HistoryCall): boolean {
  return a.firstPacked + BigInt(a.count) <= b.firstPacked;
}

function isDisjoint(a: HistoryCall, b: HistoryCall): boolean {
  return isBelow(a, b) || isBelow(b, a);
}

Deno.test("checkHistory() finds nothing in an honest history of any size", () => {
  for (const size of [0, 1, 2, 20_000]) {
    assert.deepEqual(checkHistory(honestHistory(size)), []);
  }
});

Deno.test("checkHistory() lets concurrent calls be answered in either order", () => {
  assert.deepEqual(checkHistory([call(0, 10, 50n), call(5, 20, 10n)]), []);
  assert.deepEqual(checkHistory([call(0, 10, 50n), call(10, 20, 10n)]), []);
});

Deno.test("checkHistory() lets blocks touch", () => {
  assert.deepEqual(checkHistory([call(0, 1, 100n, 10), call(2, 3, 110n, 1)]), []);
});

Deno.test("checkHistory() catches a timestamp given twice", () => {
  const first = call(0, 9, 100n);
  const second = call(0, 9, 100n);
  assert.deepEqual(checkHistory([first, second]), [{ kind: "overlap", first, second }]);
});

Deno.test("checkHistory() catches blocks that share one timestamp", () => {
  const first = call(0, 9, 100n, 10);
  const second = call(0, 10, 109n, 10);
  assert.deepEqual(checkHistory([second, first]), [{ kind: "overlap", first, second }]);
});

Deno.test("checkHistory() catches a block inside another that is not its neighbour", () => {
  const wide = call(0, 9, 100n, 1_000);
  const near = call(0, 9, 105n);
  const far = call(0, 9, 1_099n);
  assert.deepEqual(checkHistory([wide, near, far]), [
    { kind: "overlap", first: wide, second: near },
    { kind: "overlap", first: wide, second: far },
  ]);
});

Deno.test("checkHistory() catches a step back in real time between disjoint blocks", () => {
  const first = call(0, 10, 500n);
  const second = call(11, 20, 400n);
  assert.deepEqual(checkHistory([second, first]), [{ kind: "inversion", first, second }]);
});

Deno.test("checkHistory() catches a step back behind any number of honest calls", () => {
  const honest = honestHistory(5_000);
  const { firstPacked = 0n } = honest[2_000] ?? {};
  const late = call(10_000, 10_001, firstPacked - 1n);
  const violations = checkHistory([late, ...honest]);
  assert(violations.some(({ kind, second }) => kind === "inversion" && second === late));
});

Deno.test("checkHistory() catches a block of which only the end is above a later call", () => {
  const first = call(0, 1, 100n, 50);
  const second = call(2, 3, 149n);
  const kinds = checkHistory([first, second]).map(({ kind }) => kind);
  assert.deepEqual(kinds, ["overlap", "inversion"]);
});

Deno.test("checkHistory() catches every planted repeat and every planted step back", () => {
  const size = 200;
  const index = fc.nat({ max: size - 1 });
  fc.assert(fc.property(index, index, fc.boolean(), (source, place, repeat) => {
    const honest = honestHistory(size);
    const { firstPacked = 0n, count = 1 } = honest[source] ?? {};
    const planted = repeat
      ? call(place, place + 1, firstPacked + BigInt(count) - 1n)
      : call(10 * size, 10 * size, firstPacked - 1n);
    assert.notEqual(checkHistory(honest.toSpliced(place, 0, planted)).length, 0);
  }));
});

Deno.test("checkHistory() agrees with a look at every pair", () => {
  const record = fc.record({
    startMs: fc.nat({ max: 12 }),
    lasted: fc.nat({ max: 4 }),
    firstPacked: fc.bigInt({ min: 0n, max: 40n }),
    count: fc.integer({ min: 1, max: 4 }),
  });
  const calls = fc.array(
    record.map(({ lasted, ...rest }) => ({
      ...rest,
      endMs: rest.startMs + lasted,
    })),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(calls, (history) => {
      assert.equal(checkHistory(history).length === 0, isSound(history));
    }),
    { numRuns: scaled(2_000, 50_000) },
  );
});

Deno.test("checkHistory() refuses a record that cannot be", () => {
  assert.throws(() => checkHistory([call(5, 4, 1n)]), RangeError);
  assert.throws(() => checkHistory([call(NaN, 4, 1n)]), RangeError);
  assert.throws(() => checkHistory([call(1, 4, 1n, 0)]), RangeError);
});
