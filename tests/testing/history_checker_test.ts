// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import fc from "fast-check";
import { LOGICAL_MAX, MAX_COUNT, unpackTimestamp } from "../../src/core/timestamp.ts";
import type { HistoryTicket, ReceivedRange } from "../../src/testing/mod.ts";
import { HistoryChecker } from "../../src/testing/mod.ts";
import { scaled } from "../_support/levels.ts";
import { honestHistory, replay } from "./_support/random_history.ts";
import type { PlayedCall } from "./_support/random_history.ts";

const ORIGIN = 1_000 * MAX_COUNT;

function range(from: number, length = 1): ReceivedRange {
  const first = unpackTimestamp(BigInt(ORIGIN + from));
  return { first, last: unpackTimestamp(BigInt(ORIGIN + from + length - 1)), length };
}

function kindsOf(checker: HistoryChecker): readonly string[] {
  return checker.violations.map(({ kind }) => kind);
}

Deno.test("HistoryChecker lets calls that overlap be answered in either order", () => {
  const checker = new HistoryChecker();
  const a = checker.begin();
  const b = checker.begin();
  checker.end(b, range(50));
  checker.end(a, range(10));
  assert.equal(checker.violationCount, 0);
});

Deno.test("HistoryChecker.end() catches a call that began after another had ended above it", () => {
  const checker = new HistoryChecker();
  checker.end(checker.begin(), range(50, 3));
  for (const [from, isWrong] of [[40, true], [52, true], [53, false]] as const) {
    const found = checker.end(checker.begin(), range(from));
    assert.deepEqual(found.map(({ kind }) => kind), isWrong ? ["inversion"] : []);
  }
});

Deno.test("HistoryChecker.end() takes the greatest value that had come back, not the last", () => {
  const checker = new HistoryChecker();
  const [a, b] = [checker.begin(), checker.begin()];
  checker.end(b, range(50));
  checker.end(a, range(10));
  assert.deepEqual(checker.begin().floor, range(50).last);
  checker.end(checker.begin(), range(30));
  assert.deepEqual(kindsOf(checker), ["inversion"]);
});

Deno.test("HistoryChecker.end() catches a value that calls under way together both receive", () => {
  for (const [first, second] of [[range(10), range(10)], [range(10, 5), range(14, 5)]] as const) {
    const checker = new HistoryChecker();
    const [a, b] = [checker.begin(), checker.begin()];
    checker.end(a, first);
    const found = checker.end(b, second);
    assert.equal(found.length, 1);
    assert.deepEqual(found[0], {
      kind: "overlap",
      range: second,
      other: { first: first.first, last: first.last },
    });
  }
});

Deno.test("HistoryChecker.end() catches a repeat however many calls ended in between", () => {
  const checker = new HistoryChecker();
  const slow = checker.begin();
  for (let call = 0; call < 5_000; call++) checker.end(checker.begin(), range(2 * call));
  checker.end(slow, range(4_000));
  assert.deepEqual(kindsOf(checker), ["overlap"]);
});

Deno.test("HistoryChecker.end() calls a repeat of a value that was known before an inversion", () => {
  const checker = new HistoryChecker();
  for (let time = 0; time < 2; time++) checker.end(checker.begin(), range(10));
  assert.deepEqual(kindsOf(checker), ["inversion"]);
});

Deno.test("HistoryChecker that remembers all tells a repeat from a step back", () => {
  const checker = new HistoryChecker({ rememberAll: true });
  checker.end(checker.begin(), range(10));
  checker.end(checker.begin(), range(20));
  checker.end(checker.begin(), range(15));
  assert.deepEqual(kindsOf(checker), ["inversion"]);
  checker.end(checker.begin(), range(10));
  assert.deepEqual(kindsOf(checker), ["inversion", "overlap", "inversion"]);
});

Deno.test("HistoryChecker.end() catches a range that is none", () => {
  const { first } = range(10);
  const wrong: readonly ReceivedRange[] = [
    { first, last: range(9).first },
    { first, last: range(12).first, length: 2 },
    { first, last: range(12).first, length: 4 },
    { first, last: { physicalMs: NaN, logical: 3 } },
    { first, last: { physicalMs: first.physicalMs + 0.5, logical: 3 } },
    { first, last: { physicalMs: first.physicalMs, logical: LOGICAL_MAX + 1 } },
    { first: { physicalMs: first.physicalMs, logical: -1 }, last: first },
  ];
  for (const each of wrong) {
    const checker = new HistoryChecker();
    checker.end(checker.begin(), each);
    assert.deepEqual(kindsOf(checker), ["disorder"]);
    assert.equal(checker.begin().floor, undefined);
  }
});

Deno.test("HistoryChecker.end() takes a range over the end of a millisecond for one in a row", () => {
  const checker = new HistoryChecker();
  const crossing = range(LOGICAL_MAX, 2);
  assert.notEqual(crossing.first.physicalMs, crossing.last.physicalMs);
  assert.deepEqual(checker.end(checker.begin(), crossing), []);
});

Deno.test("HistoryChecker.abandon() ends a call that was given nothing", () => {
  const checker = new HistoryChecker();
  checker.abandon(checker.begin());
  assert.equal(checker.openCalls, 0);
  assert.equal(checker.calls, 0);
  checker.end(checker.begin(), range(1));
  assert.equal(checker.spans, 0);
});

Deno.test("HistoryChecker refuses a ticket that is used up, or not its own", () => {
  const checker = new HistoryChecker();
  const ticket = checker.begin();
  checker.end(ticket, range(1));
  assert.throws(() => checker.end(ticket, range(2)), TypeError);
  assert.throws(() => checker.abandon(ticket), TypeError);
  assert.throws(() => new HistoryChecker().abandon(checker.begin()), TypeError);
  assert.throws(() => checker.abandon({ floor: undefined }), TypeError);
});

Deno.test("HistoryChecker refuses limits that are no whole numbers of at least 1", () => {
  for (const limit of [0, -1, 1.5, NaN]) {
    assert.throws(() => new HistoryChecker({ maxSpans: limit }), /maxSpans.*at least 1/);
    assert.throws(() => new HistoryChecker({ maxViolations: limit }), /maxViolations/);
  }
});

Deno.test("HistoryChecker remembers little of an honest oracle, whatever the number of calls", () => {
  const checker = new HistoryChecker();
  let next = 0;
  let most = 0;
  let open: HistoryTicket[] = [];
  for (let round = 0; round < scaled(2_000, 50_000); round++) {
    open.push(...Array.from({ length: 16 }, () => checker.begin()));
    // Half of them come back, the later ones first; others took values in between.
    for (const ticket of open.splice(8, 8).reverse()) checker.end(ticket, range(next++));
    next += 3;
    if (round % 4 === 3) {
      for (const ticket of open.reverse()) checker.end(ticket, range(next++));
      open = [];
    }
    most = Math.max(most, checker.spans);
  }
  assert.equal(checker.violationCount, 0);
  assert.ok(most <= 8, `${most} spans`);
});

Deno.test("HistoryChecker bounds its memory, and says what it could not check for it", () => {
  const checker = new HistoryChecker({ maxSpans: 10 });
  const [slow, slower] = [checker.begin(), checker.begin()];
  for (let call = 1; call <= 100; call++) checker.end(checker.begin(), range(2 * call));
  assert.equal(checker.spans, 10);
  checker.end(slow, range(2 * 95));
  assert.deepEqual(kindsOf(checker), ["overlap"]);
  assert.equal(checker.unchecked, 0);
  checker.end(slower, range(2 * 50));
  assert.equal(checker.unchecked, 1);
});

Deno.test("HistoryChecker counts all violations and keeps the first", () => {
  const checker = new HistoryChecker({ maxViolations: 3 });
  checker.end(checker.begin(), range(100));
  for (let call = 0; call < 10; call++) checker.end(checker.begin(), range(call));
  assert.equal(checker.violationCount, 10);
  assert.deepEqual(checker.violations.map((violation) => violation.range), [
    range(0),
    range(1),
    range(2),
  ]);
});

Deno.test("HistoryChecker accepts every honest history, whatever the order of the answers", () => {
  fc.assert(
    fc.property(honestHistory(), fc.boolean(), (history, rememberAll) => {
      const checker = new HistoryChecker({ rememberAll });
      replay(history, checker);
      assert.deepEqual(checker.violations, []);
      assert.equal(checker.unchecked, 0);
    }),
    { numRuns: scaled(500, 10_000) },
  );
});

/** Replaces the values of one call. */
function plant(
  history: readonly PlayedCall[],
  change: { readonly at: number; readonly firstPacked: bigint; readonly count: number },
): readonly PlayedCall[] {
  const { at, ...values } = change;
  return history.map((call, index) => index === at ? { ...call, ...values } : call);
}

Deno.test("HistoryChecker catches every single repeat in an honest history", () => {
  fc.assert(
    fc.property(honestHistory(2), fc.nat(), fc.nat(), (history, a, b) => {
      const at = a % history.length;
      const from = b % history.length;
      fc.pre(at !== from);
      const { firstPacked, count } = history[from]!;
      const checker = new HistoryChecker();
      replay(
        plant(history, { at, firstPacked: firstPacked + BigInt(count) - 1n, count: 1 }),
        checker,
      );
      assert.ok(checker.violationCount > 0);
    }),
    { numRuns: scaled(500, 10_000) },
  );
});

Deno.test("HistoryChecker catches every single step back in an honest history", () => {
  fc.assert(
    fc.property(honestHistory(2), fc.nat(), fc.nat(), (history, a, b) => {
      const at = a % history.length;
      const call = history[at]!;
      const before = history.filter((other) => other.endedAt < call.beganAt);
      fc.pre(before.length > 0);
      // A value that nobody has, since blocks are three apart at least, right below one that had ended.
      const { firstPacked } = before[b % before.length]!;
      const checker = new HistoryChecker();
      replay(plant(history, { at, firstPacked: firstPacked - 1n, count: 1 }), checker);
      assert.deepEqual(kindsOf(checker).slice(0, 1), ["inversion"]);
    }),
    { numRuns: scaled(500, 10_000) },
  );
});
