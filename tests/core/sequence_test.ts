// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import fc from "fast-check";
import { isSequenceKey, objectToSequence } from "../../src/core/sequence.ts";
import { scaled } from "../_support/levels.ts";

const KEYS: readonly (readonly [string, string, boolean])[] = [
  ["no byte", "", false],
  ["one byte", "k", true],
  ["128 bytes of ASCII", "k".repeat(128), true],
  ["129 bytes of ASCII", "k".repeat(129), false],
  ["128 bytes in 64 characters of two", "é".repeat(64), true],
  ["130 bytes in 65 characters of two", "é".repeat(65), false],
  ["126 bytes in 42 characters of three", "€".repeat(42), true],
  ["129 bytes in 43 characters of three", "€".repeat(43), false],
  ["128 bytes in 32 characters of four", "😀".repeat(32), true],
  ["132 bytes in 33 characters of four", "😀".repeat(33), false],
  ["a NUL", "\0", true],
  ["the first half of a surrogate pair", "\ud83d", false],
  ["the second half of a surrogate pair", "a\ude00", false],
];
for (const [what, key, expected] of KEYS) {
  Deno.test(`isSequenceKey() ${expected ? "takes" : "refuses"} a key of ${what}`, () => {
    assert.equal(isSequenceKey(key), expected);
  });
}

Deno.test("isSequenceKey() counts bytes as UTF-8 has them", () => {
  const text = fc.string({ unit: "binary", minLength: 1, maxLength: 140 });
  fc.assert(
    fc.property(text, (key) => {
      const { length } = new TextEncoder().encode(key);
      assert.equal(isSequenceKey(key), key.isWellFormed() && length <= 128);
    }),
    { numRuns: scaled(500, 20_000) },
  );
});

Deno.test("objectToSequence() takes counts from 1 to the maximum, the maximum included", () => {
  for (const count of [1, 2, 99, 100]) {
    assert.equal(objectToSequence({ key: "k", count }, 100), undefined);
  }
  for (const count of [0, -1, 101, 1.5, NaN, Infinity]) {
    assert.equal(objectToSequence({ key: "k", count }, 100), "count");
  }
});

Deno.test("objectToSequence() looks at the count before the key", () => {
  assert.equal(objectToSequence({ key: "", count: 0 }, 100), "count");
  assert.equal(objectToSequence({ key: "", count: 1 }, 100), "key");
});
