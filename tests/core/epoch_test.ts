// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import fc from "fast-check";
import { EPOCH_MAX, epochFromHalves, epochToHalves } from "../../src/core/epoch.ts";
import { CoreError } from "../../src/core/errors.ts";

const HALF_MAX = (1n << 64n) - 1n;

const EPOCH = fc.bigInt({ min: 0n, max: EPOCH_MAX });

function isRangeRefusal(value: bigint): (error: unknown) => boolean {
  return (error) =>
    error instanceof CoreError && error.code === "epoch-out-of-range" &&
    error.message.includes(String(value));
}

/** The epochs of behaviour.md 15.5 and the edges of each half. */
const VECTORS = [
  { epoch: 0n, hi: 0n, lo: 0n },
  { epoch: 7n, hi: 0n, lo: 7n },
  { epoch: 42n, hi: 0n, lo: 42n },
  { epoch: HALF_MAX, hi: 0n, lo: HALF_MAX },
  { epoch: HALF_MAX + 1n, hi: 1n, lo: 0n },
  { epoch: 18_446_744_073_709_551_619n, hi: 1n, lo: 3n },
  { epoch: EPOCH_MAX, hi: HALF_MAX, lo: HALF_MAX },
];

for (const { epoch, hi, lo } of VECTORS) {
  Deno.test(`epochToHalves() and epochFromHalves() join ${epoch} with (${hi}, ${lo})`, () => {
    assert.deepEqual(epochToHalves(epoch), { hi, lo });
    assert.equal(epochFromHalves({ hi, lo }), epoch);
  });
}

Deno.test("epochToHalves() refuses what does not fit 128 unsigned bits", () => {
  for (const value of [-1n, EPOCH_MAX + 1n]) {
    assert.throws(() => epochToHalves(value), isRangeRefusal(value));
  }
});

Deno.test("epochFromHalves() refuses a half that does not fit 64 unsigned bits", () => {
  for (const value of [-1n, HALF_MAX + 1n]) {
    assert.throws(() => epochFromHalves({ hi: value, lo: 0n }), isRangeRefusal(value));
    assert.throws(() => epochFromHalves({ hi: 0n, lo: value }), isRangeRefusal(value));
  }
});

Deno.test("epochFromHalves() undoes epochToHalves()", () => {
  fc.assert(fc.property(EPOCH, (value) => {
    assert.equal(epochFromHalves(epochToHalves(value)), value);
  }));
});

Deno.test("epochToHalves() orders as the whole: upper half first, then the lower", () => {
  fc.assert(fc.property(EPOCH, EPOCH, (left, right) => {
    const a = epochToHalves(left);
    const b = epochToHalves(right);
    assert.equal(a.hi < b.hi || (a.hi === b.hi && a.lo < b.lo), left < right);
  }));
});
