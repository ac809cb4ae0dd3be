// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import fc from "fast-check";
import { Timestamp } from "../../src/client/timestamp.ts";
import {
  LOGICAL_MAX,
  packTimestamp,
  PHYSICAL_MS_MAX,
  unpackTimestamp,
} from "../../src/core/timestamp.ts";

const physical = fc.oneof(
  fc.constantFrom(0, 1, PHYSICAL_MS_MAX - 1, PHYSICAL_MS_MAX),
  fc.integer({ min: 0, max: PHYSICAL_MS_MAX }),
);
const logical = fc.oneof(
  fc.constantFrom(0, 1, LOGICAL_MAX),
  fc.integer({ min: 0, max: LOGICAL_MAX }),
);
const timestamp = fc.tuple(physical, logical).map(([physicalMs, logicalStart]) =>
  new Timestamp({ physicalMs, logicalStart })
);

Deno.test("Timestamp packs as the core does, and comes back from each of its forms", () => {
  fc.assert(fc.property(timestamp, (ts) => {
    const packed = packTimestamp(ts.physicalMs, ts.logical);
    assert.equal(ts.toBigInt(), packed);
    assert.equal(ts.toString(), String(packed));
    assert.equal(`${ts}`, String(packed));
    assert.equal(JSON.stringify(ts), `"${packed}"`);
    assert.deepEqual({ ...Timestamp.fromBigInt(packed), epoch: undefined }, {
      ...unpackTimestamp(packed),
      epoch: undefined,
    });
    for (
      const again of [
        Timestamp.parse(ts.toString()),
        Timestamp.parse(JSON.parse(JSON.stringify(ts))),
      ]
    ) {
      assert.ok(again.equals(ts));
      assert.equal(Timestamp.compare(again, ts), 0);
    }
  }));
});

Deno.test("Timestamp orders as the packed values do, with every means of comparison", () => {
  fc.assert(fc.property(timestamp, timestamp, (a, b) => {
    const [packedA, packedB] = [a.toBigInt(), b.toBigInt()];
    const expected = packedA < packedB ? -1 : packedA > packedB ? 1 : 0;
    assert.equal(Math.sign(Timestamp.compare(a, b)), expected);
    assert.equal(Math.sign(a.compareTo(b)), expected);
    assert.equal(a.equals(b), expected === 0);
    assert.equal(a < b, expected < 0);
    assert.equal(a > b, expected > 0);
  }));
});

Deno.test("Timestamp compares numbers of different lengths by value and not as text", () => {
  const short = Timestamp.fromBigInt(9n);
  const long = Timestamp.fromBigInt(10n);
  assert.ok(short < long);
  assert.deepEqual([long, short].sort(Timestamp.compare), [short, long]);
});

Deno.test("Timestamp.parse() refuses what is not a decimal 64-bit number", () => {
  for (const text of ["", " 1", "1 ", "+1", "-1", "0x10", "1.0", "1e3", "1n", "1".repeat(21)]) {
    assert.throws(() => Timestamp.parse(text), { name: "SyntaxError", message: /decimal digits/ });
  }
  assert.throws(() => Timestamp.parse("18446744073709551616"), { code: "timestamp-out-of-range" });
  assert.equal(Timestamp.parse("18446744073709551615").logical, LOGICAL_MAX);
});

Deno.test("Timestamp.fromBigInt() refuses what does not fit 64 unsigned bits", () => {
  for (const value of [-1n, 1n << 64n]) {
    assert.throws(() => Timestamp.fromBigInt(value), { code: "timestamp-out-of-range" });
  }
});

Deno.test("Timestamp knows its epoch if a server granted it, and its date", () => {
  const granted = new Timestamp({ physicalMs: 1_800_000_000_000, logicalStart: 5, epoch: 7n }, 2);
  assert.equal(granted.logical, 7);
  assert.equal(granted.epoch, 7n);
  assert.equal(granted.toDate().toISOString(), "2027-01-15T08:00:00.000Z");
  assert.equal(Timestamp.parse(`${granted}`).epoch, undefined);
});
