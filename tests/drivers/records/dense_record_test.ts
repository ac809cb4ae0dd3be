// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import fc from "fast-check";
import { isSequenceKey, SEQUENCE_COUNTER_MAX } from "../../../src/core/sequence.ts";
import { DenseRecord } from "../../../src/drivers/records/dense_record.ts";
import { corruptions, forge, refusesRecord } from "../_support/forge.ts";

/** behaviour.md 15.3 */
const EMPTY = "54534f44011027000000000000000000006e704459";
const TWO =
  "54534f440110270000000000000200000006006f72646572732a00000000000000050075736572730700000000000000009d9a5d";

const key = fc.string({ unit: "binary", minLength: 1, maxLength: 40 }).filter(isSequenceKey);
const counter = fc.bigInt({ min: 0n, max: SEQUENCE_COUNTER_MAX });
const counters = fc.array(fc.tuple(key, counter), { maxLength: 12 })
  .map((entries) => new Map(entries));

/** What a record holds, in its order. */
function contentOf(
  record: DenseRecord,
  keys: Iterable<string>,
): Array<[string, bigint | undefined]> {
  return Array.from(keys, (each) => [each, record.get(each)]);
}

function refuses(bytes: Uint8Array, code: string, found: RegExp): void {
  refusesRecord((path) => DenseRecord.decode(bytes, path), code, found);
}

Deno.test("DenseRecord writes and reads the vectors of behaviour.md 15.3", () => {
  const two = new Map([["users", 7n], ["orders", 42n]]);
  assert.equal(DenseRecord.of(10_000).bytes.toHex(), EMPTY);
  assert.equal(DenseRecord.of(10_000, two).bytes.toHex(), TWO);
  assert.equal(DenseRecord.decode(Uint8Array.fromHex(EMPTY), "dense").size, 0);
  const read = DenseRecord.decode(Uint8Array.fromHex(TWO), "dense");
  assert.deepEqual([read.size, read.keyLimit, read.get("orders")], [2, 10_000, 42n]);
  assert.deepEqual([read.get("users"), read.get("order")], [7n, undefined]);
});

Deno.test("DenseRecord.decode() gives back what DenseRecord.of() took, in the same bytes", () => {
  const limit = fc.maxSafeNat();
  fc.assert(fc.property(counters, limit, (wanted, keyLimit) => {
    const record = DenseRecord.of(keyLimit, wanted);
    const read = DenseRecord.decode(record.bytes, "dense");
    assert.deepEqual([read.size, read.keyLimit], [wanted.size, keyLimit]);
    assert.deepEqual(contentOf(read, wanted.keys()), [...wanted]);
    assert.deepEqual(DenseRecord.of(keyLimit, wanted).bytes, read.bytes);
  }));
});

/** Checks that a changed record is what one made anew would be, and that the old one is as it was. */
function checkWith(before: Map<string, bigint>, changes: Map<string, bigint>, limit: number): void {
  const record = DenseRecord.of(7, before);
  const old = record.bytes.toHex();
  const changed = record.with(changes, limit);
  const merged = new Map([...before, ...changes]);
  assert.equal(changed.bytes.toHex(), DenseRecord.of(limit, merged).bytes.toHex());
  assert.deepEqual(contentOf(changed, merged.keys()), [...merged]);
  assert.deepEqual([changed.size, changed.keyLimit], [merged.size, limit]);
  assert.equal(record.bytes.toHex(), old);
  assert.deepEqual(contentOf(record, before.keys()), [...before]);
}

Deno.test("DenseRecord.with() gives the bytes that one made anew would have, and changes nothing", () => {
  fc.assert(fc.property(counters, counters, fc.nat(), (before, changes, limit) => {
    checkWith(before, changes, 7);
    checkWith(before, changes, limit);
  }));
});

Deno.test("DenseRecord.with() of counters that are there gives those bytes too", () => {
  fc.assert(fc.property(counters, fc.infiniteStream(counter), (before, numbers) => {
    const changes = new Map(Array.from(before.keys(), (each) => [each, numbers.next().value]));
    checkWith(before, changes, 7);
    checkWith(before, new Map([...changes].slice(1)), 7);
  }));
});

Deno.test("DenseRecord orders keys by their bytes, not as JavaScript orders strings", () => {
  const keys = ["\u{1d11e}", "\uff5e", "z", "ü", "za"];
  const record = DenseRecord.of(10, new Map(keys.map((each) => [each, 1n])));
  const text = new TextDecoder().decode(record.bytes);
  const order = ["z", "za", "ü", "\uff5e", "\u{1d11e}"].map((each) => text.lastIndexOf(each));
  assert.deepEqual(order, order.toSorted((one, other) => one - other));
  assert.equal(DenseRecord.decode(record.bytes, "dense").size, 5);
  const swapped = forge(
    "TSOD\x01",
    { u64: 10n },
    { u32: 2 },
    { u16: 4 },
    "\u{1d11e}",
    {
      u64: 1n,
    },
    { u16: 3 },
    "\uff5e",
    { u64: 1n },
  );
  refuses(swapped, "corrupt", /its key ".*" is not above the one before/);
});

Deno.test("DenseRecord keeps a byte order mark at the beginning of a key", () => {
  const record = DenseRecord.of(10, new Map([["\uFEFFa", 3n], ["a", 4n]]));
  const read = DenseRecord.decode(record.bytes, "dense");
  assert.deepEqual([read.get("\uFEFFa"), read.get("a")], [3n, 4n]);
});

Deno.test("DenseRecord.of() refuses keys and numbers that do not fit", () => {
  for (const wrong of ["", "a".repeat(129), "\uD834"]) {
    assert.throws(() => DenseRecord.of(10, new Map([[wrong, 1n]])), /a key must have 1 to 128/);
  }
  for (const wrong of [-1n, SEQUENCE_COUNTER_MAX + 1n]) {
    const changes = new Map([["a", wrong]]);
    assert.throws(() => DenseRecord.of(10, changes), RangeError);
    assert.throws(() => DenseRecord.of(10, new Map([["a", 1n]])).with(changes, 10), RangeError);
  }
  for (const wrong of [-1, 0.5, NaN, 2 ** 53]) {
    assert.throws(() => DenseRecord.of(wrong), RangeError);
  }
});

Deno.test("DenseRecord.decode() refuses a record with any byte changed", () => {
  for (const record of [EMPTY, TWO]) {
    for (const [bytes, inVersion] of corruptions(Uint8Array.fromHex(record))) {
      refuses(bytes, inVersion ? "unsupported-version" : "corrupt", /: it/);
    }
  }
});

Deno.test("DenseRecord.decode() refuses a record cut off after each byte, or with bytes after it", () => {
  const record = Uint8Array.fromHex(TWO);
  for (let length = 0; length < record.length; length++) {
    const cut = record.subarray(0, length);
    if (length < 21) {
      refuses(cut, "truncated", /it ends after \d+ of at least 21 bytes/);
    } else refuses(cut, "corrupt", /its checksum is 0x[0-9a-f]{8}, its bytes give/);
  }
  refuses(Uint8Array.of(...record, 0), "corrupt", /checksum/);
});

const HEAD = ["TSOD\x01", { u64: 10_000n }] as const;

Deno.test("DenseRecord.decode() refuses a content that does not add up under a right checksum", () => {
  const one = [{ u16: 1 }, "a", { u64: 1n }] as const;
  refuses(forge(...HEAD, { u32: 1 }, ...one, "x"), "corrupt", /1 bytes follow its last entry/);
  refuses(forge(...HEAD, { u32: 0 }, ...one), "corrupt", /11 bytes follow its last entry/);
  refuses(forge(...HEAD, { u32: 2 }, ...one), "corrupt", /ends within the entry at byte 28/);
  refuses(forge(...HEAD, { u32: 2 ** 32 - 1 }), "corrupt", /ends within the entry at byte 17/);
  refuses(forge(...HEAD, { u32: 1 }, { u16: 9 }, "a", { u64: 1n }), "corrupt", /ends within/);
  refuses(forge(...HEAD, { u32: 2 }, ...one, ...one), "corrupt", /its key "a" is not above/);
  const b = [{ u16: 1 }, "b", { u64: 1n }] as const;
  refuses(forge(...HEAD, { u32: 2 }, ...b, ...one), "corrupt", /its key "a" is not above/);
});

Deno.test("DenseRecord.decode() refuses keys that are none", () => {
  const entry = (bytes: Uint8Array) =>
    forge(...HEAD, { u32: 1 }, { u16: bytes.length }, bytes, { u64: 1n });
  refuses(entry(new Uint8Array()), "corrupt", /its key before byte 19 has 0 bytes/);
  refuses(entry(new Uint8Array(129).fill(97)), "corrupt", /has 129 bytes/);
  for (const wrong of ["ff", "c0af", "eda080", "f4908080", "61c3"]) {
    refuses(entry(Uint8Array.fromHex(wrong)), "corrupt", /is not UTF-8/);
  }
});

Deno.test("DenseRecord.decode() refuses a limit beyond 2^53 - 1, and another kind of file", () => {
  refuses(forge("TSOD\x01", { u64: 1n << 53n }, { u32: 0 }), "out-of-range", /limit of keys 90071/);
  refuses(
    forge("TSOR\x01", { u64: 1n }, { u32: 0 }),
    "corrupt",
    /begin with 'TSOD', so it is no dense/,
  );
  refuses(forge("TSOD\x02", { u64: 1n }), "unsupported-version", /version is 2/);
});
