// SPDX-License-Identifier: Apache-2.0

import fc from "fast-check";
import assert from "node:assert/strict";
import { LONGEST_TIMER_MS } from "../../src/core/timer_limit.ts";
import { formatDuration, parseDuration } from "../../src/cli/duration.ts";
import { scaled } from "../_support/levels.ts";

Deno.test("parseDuration() reads each unit, fractions and sums", () => {
  const cases = {
    "0": 0,
    "0s": 0,
    "250ms": 250,
    "3s": 3_000,
    "1m": 60_000,
    "2h": 7_200_000,
    "1.5s": 1_500,
    "0.3s": 300,
    "1m30s": 90_000,
    "1h2m3s4ms": 3_723_004,
  };
  for (const [text, ms] of Object.entries(cases)) assert.equal(parseDuration(text), ms, text);
});

Deno.test("parseDuration() refuses a bare number and says how to write it", () => {
  assert.throws(() => parseDuration("3"), { name: "ValueError", message: /write 3s or 3ms/ });
  assert.throws(() => parseDuration("0.5"), { message: /needs a unit/ });
  assert.throws(() => parseDuration("00"), { message: /needs a unit/ });
});

Deno.test("parseDuration() refuses everything else", () => {
  const cases = [
    "",
    "s",
    "-1s",
    "+1s",
    "1 s",
    " 1s",
    "1d",
    "1S",
    "1s1m",
    "1s2s",
    "1e3s",
    "Infinitys",
  ];
  for (const text of [...cases, ".5s", "1.s", "1s ", "1,5s", "0x1s"]) {
    assert.throws(() => parseDuration(text), { name: "ValueError" }, JSON.stringify(text));
  }
});

Deno.test("parseDuration() refuses what is not whole milliseconds or too long for a timer", () => {
  assert.throws(() => parseDuration("0.5ms"), { message: /whole milliseconds/ });
  assert.equal(parseDuration(`${LONGEST_TIMER_MS}ms`), LONGEST_TIMER_MS);
  assert.throws(() => parseDuration(`${LONGEST_TIMER_MS + 1}ms`), { message: /at most/ });
  assert.throws(() => parseDuration("9".repeat(400) + "h"), { message: /at most/ });
});

Deno.test("formatDuration() is undone by parseDuration() for every duration", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: LONGEST_TIMER_MS }), (ms) => {
      assert.equal(parseDuration(formatDuration(ms)), ms);
    }),
    { numRuns: scaled(500, 20_000) },
  );
});

Deno.test("parseDuration() reads every decimal number of seconds to the millisecond", () => {
  fc.assert(
    fc.property(fc.nat(2_000_000), fc.nat(999), (seconds, ms) => {
      const text = `${seconds}.${String(ms).padStart(3, "0")}s`;
      assert.equal(parseDuration(text), seconds * 1_000 + ms);
    }),
    { numRuns: scaled(500, 20_000) },
  );
});

Deno.test("parseDuration() answers any text with whole milliseconds or a ValueError", () => {
  const text = fc.oneof(
    fc.string(),
    fc.stringMatching(/^[0-9.]{0,5}(ms|s|m|h)?[0-9]{0,3}(ms|s)?$/),
  );
  fc.assert(
    fc.property(text, (any) => {
      try {
        const ms = parseDuration(any);
        assert.ok(Number.isInteger(ms) && ms >= 0 && ms <= LONGEST_TIMER_MS);
      } catch (error) {
        assert.equal(error instanceof Error && error.name, "ValueError");
      }
    }),
    { numRuns: scaled(1_000, 50_000) },
  );
});
