// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import fc from "fast-check";
import { GapChecker } from "../../src/testing/gap_checker.ts";
import { scaled } from "../_support/levels.ts";

type Fate = "received" | "spent unknown" | "unspent unknown";

interface Call {
  readonly count: number;
  readonly fate: Fate;
}

interface Scene {
  readonly received: readonly { readonly start: bigint; readonly count: number }[];
  readonly unknown: readonly number[];
  readonly final: bigint;
}

/** What the callers of an honest counter see. */
function play(calls: readonly Call[]): Scene {
  let final = 0n;
  const received = [];
  const unknown = [];
  for (const { count, fate } of calls) {
    if (fate === "received") received.push({ start: final, count });
    else unknown.push(count);
    if (fate !== "unspent unknown") final += BigInt(count);
  }
  return { received, unknown, final };
}

function kinds({ received, unknown, final }: Scene): readonly string[] {
  const checker = new GapChecker();
  for (const block of received) checker.received(block);
  for (const count of unknown) checker.unknown(count);
  return checker.check(final).map(({ kind }) => kind);
}

const CALLS = fc.array(
  fc.record({
    count: fc.integer({ min: 1, max: 9 }),
    fate: fc.constantFrom<Fate>("received", "received", "spent unknown", "unspent unknown"),
  }),
  { maxLength: 30 },
);

Deno.test("GapChecker.check() finds nothing where the blocks tile the counter", () => {
  assert.deepEqual(kinds({ received: [], unknown: [], final: 0n }), []);
  const received = [{ start: 5n, count: 3 }, { start: 0n, count: 5 }];
  assert.deepEqual(kinds({ received, unknown: [], final: 8n }), []);
});

Deno.test("GapChecker.check() lets a block of unknown outcome be spent or not, anywhere", () => {
  const received = [{ start: 0n, count: 2 }, { start: 6n, count: 1 }];
  assert.deepEqual(kinds({ received, unknown: [3, 1], final: 7n }), []);
  assert.deepEqual(kinds({ received, unknown: [4, 9], final: 7n }), []);
  assert.deepEqual(kinds({ received, unknown: [4, 9], final: 16n }), []);
});

Deno.test("GapChecker.check() refuses gaps that the unknown blocks do not fill exactly", () => {
  const received = [{ start: 0n, count: 2 }, { start: 6n, count: 1 }];
  for (const unknown of [[], [3], [3, 3], [5], [8]]) {
    assert.deepEqual(kinds({ received, unknown, final: 7n }), ["gap"], `${unknown}`);
  }
});

Deno.test("GapChecker.check() uses an unknown block once", () => {
  const received = [{ start: 2n, count: 1 }, { start: 5n, count: 1 }];
  assert.deepEqual(kinds({ received, unknown: [2], final: 6n }), ["gap"]);
  assert.deepEqual(kinds({ received, unknown: [2, 5], final: 6n }), ["gap"]);
  assert.deepEqual(kinds({ received, unknown: [2, 2], final: 6n }), []);
});

Deno.test("GapChecker.check() finds the choice that a greedy one misses", () => {
  // The largest first, 5, would leave 1; the gap of 6 needs 3 + 3, that of 5 the 5.
  const received = [{ start: 6n, count: 1 }, { start: 12n, count: 1 }];
  assert.deepEqual(kinds({ received, unknown: [5, 3, 3], final: 13n }), []);
});

Deno.test("GapChecker.check() catches ordinals beyond the counter, and those lost at its end", () => {
  const received = [{ start: 0n, count: 4 }];
  assert.deepEqual(kinds({ received, unknown: [], final: 3n }), ["beyond"]);
  assert.deepEqual(kinds({ received, unknown: [], final: 5n }), ["gap"]);
});

Deno.test("GapChecker.check() without a counter says nothing about what follows", () => {
  const checker = new GapChecker();
  checker.received({ start: 1n, count: 4 });
  assert.deepEqual(checker.check().map(({ kind }) => kind), ["gap"]);
  checker.unknown(1);
  assert.deepEqual(checker.check(), []);
});

Deno.test("GapChecker.check() works at the upper end of 64 bits and with many unknown blocks", () => {
  const checker = new GapChecker();
  for (let block = 0n; block < 20_000n; block++) checker.unknown(7);
  checker.received({ start: 140_000n, count: 5 });
  assert.deepEqual(checker.check(), []);
  const top = new GapChecker();
  top.received({ start: 0n, count: Number.MAX_SAFE_INTEGER });
  top.received({ start: (1n << 64n) - 2n, count: 1 });
  assert.deepEqual(top.check().map(({ kind }) => kind), ["gap"]);
});

Deno.test("GapChecker.check() accepts every honest history", () => {
  fc.assert(
    fc.property(CALLS, (calls) => {
      assert.deepEqual(kinds(play(calls)), []);
    }),
    { numRuns: scaled(500, 10_000) },
  );
});

Deno.test("GapChecker.check() catches every block that was given twice", () => {
  fc.assert(fc.property(CALLS, fc.nat(), fc.nat({ max: 8 }), (calls, pick, shift) => {
    const scene = play(calls);
    const victim = scene.received[pick % Math.max(1, scene.received.length)];
    fc.pre(victim !== undefined);
    const repeated = { start: victim.start + BigInt(shift % victim.count), count: 1 };
    const found = kinds({ ...scene, received: [...scene.received, repeated] });
    assert.ok(found.includes("overlap"), `${found}`);
  }));
});

Deno.test("GapChecker.check() catches every received block that nobody tells of", () => {
  fc.assert(fc.property(CALLS, fc.nat(), (calls, pick) => {
    // Without unknown blocks, which might stand in for it.
    const scene = play(calls.filter(({ fate }) => fate === "received"));
    fc.pre(scene.received.length > 0);
    const received = scene.received.toSpliced(pick % scene.received.length, 1);
    assert.deepEqual(kinds({ ...scene, received }), ["gap"]);
  }));
});

Deno.test("GapChecker.check() catches ordinals skipped beside unknown blocks of another size", () => {
  fc.assert(fc.property(CALLS, fc.nat(), (calls, pick) => {
    const even = calls.map((call) => ({ ...call, count: 2 * call.count }));
    const scene = play(even);
    const skip = pick % (scene.received.length + 1);
    const shifted = scene.received.map(({ start, count }, index) => ({
      start: index >= skip ? start + 1n : start,
      count,
    }));
    assert.deepEqual(kinds({ ...scene, received: shifted, final: scene.final + 1n }), ["gap"]);
  }));
});

Deno.test("GapChecker gives up with an error where too many choices would have to be tried", () => {
  const checker = new GapChecker();
  // Sums of even counts never fill a gap of odd size, and all of them have to be tried.
  for (let count = 2; count <= 120; count += 2) checker.unknown(count);
  checker.received({ start: 601n, count: 1 });
  assert.throws(() => checker.check(), /fewer different counts/);
});

Deno.test("GapChecker refuses what cannot be", () => {
  const checker = new GapChecker();
  assert.throws(() => checker.received({ start: -1n, count: 1 }), RangeError);
  for (const count of [0, -1, 0.5, NaN, 2 ** 53]) {
    assert.throws(() => checker.received({ start: 0n, count }), RangeError);
    assert.throws(() => checker.unknown(count), RangeError);
  }
});
