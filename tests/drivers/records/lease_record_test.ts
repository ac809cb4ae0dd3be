// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import fc from "fast-check";
import type { LeaseRecord } from "../../../src/core/lease_table.ts";
import { PHYSICAL_MS_MAX } from "../../../src/core/timestamp.ts";
import { decodeLeaseRecord, encodeLeaseRecord } from "../../../src/drivers/records/lease_record.ts";
import { corruptions, forge, refusesRecord } from "../_support/forge.ts";
import type { Part } from "../_support/forge.ts";

/** behaviour.md 15.4 */
const EMPTY = "54534f4f010000000078dff47d";
const ONE =
  "54534f4f010100000040420f0000000000070067726f75702d610100000000000000102700000000000040420f000000000050690f0000000000004fe53fc9";

const LEASE: LeaseRecord = {
  leaseId: 1_000_000,
  holder: new TextEncoder().encode("group-a"),
  holderEpoch: 1n,
  ttlMs: 10_000,
  boundMs: 1_000_000,
  expiresAtMs: 1_010_000,
  superseded: false,
};

const physicalMs = fc.integer({ min: 0, max: PHYSICAL_MS_MAX });
const lease: fc.Arbitrary<LeaseRecord> = fc.record({
  leaseId: physicalMs,
  holder: fc.uint8Array({ minLength: 1, maxLength: 128 }),
  holderEpoch: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  ttlMs: fc.maxSafeNat(),
  boundMs: physicalMs,
  expiresAtMs: fc.maxSafeNat(),
  superseded: fc.boolean(),
}, { noNullPrototype: true });
const leases = fc.uniqueArray(lease, { maxLength: 8, selector: ({ leaseId }) => leaseId });

function refuses(bytes: Uint8Array, code: string, found: RegExp): void {
  refusesRecord((path) => decodeLeaseRecord(bytes, path), code, found);
}

/** The parts of a lease, some replaced. */
function parts(leaseId: bigint, changes: Readonly<Record<string, Part>> = {}): readonly Part[] {
  const all: Record<string, Part> = {
    leaseId: { u64: leaseId },
    holderLength: { u16: 1 },
    holder: "h",
    holderEpoch: { u64: 1n },
    ttlMs: { u64: 1n },
    boundMs: { u64: 1n },
    expiresAtMs: { u64: 1n },
    superseded: { u8: 0 },
  };
  return Object.values({ ...all, ...changes });
}

function forgeLeases(...entries: ReadonlyArray<readonly Part[]>): Uint8Array {
  return forge("TSOO\x01", { u32: entries.length }, ...entries.flat());
}

Deno.test("encodeLeaseRecord() and decodeLeaseRecord() agree on the vectors of behaviour.md 15.4", () => {
  assert.equal(encodeLeaseRecord([]).toHex(), EMPTY);
  assert.equal(encodeLeaseRecord([LEASE]).toHex(), ONE);
  assert.deepEqual(decodeLeaseRecord(Uint8Array.fromHex(EMPTY), "leases"), []);
  assert.deepEqual(decodeLeaseRecord(Uint8Array.fromHex(ONE), "leases"), [LEASE]);
});

Deno.test("decodeLeaseRecord() gives back what encodeLeaseRecord() took, in the order of the ids", () => {
  fc.assert(fc.property(leases, (wanted) => {
    const sorted = wanted.toSorted((one, other) => one.leaseId - other.leaseId);
    assert.deepEqual(decodeLeaseRecord(encodeLeaseRecord(wanted), "leases"), sorted);
  }));
});

Deno.test("encodeLeaseRecord() refuses what does not fit, and an id that occurs twice", () => {
  const wrong: ReadonlyArray<Partial<LeaseRecord>> = [
    { leaseId: -1 },
    { leaseId: PHYSICAL_MS_MAX + 1 },
    { boundMs: PHYSICAL_MS_MAX + 1 },
    { boundMs: 0.5 },
    { ttlMs: 2 ** 53 },
    { expiresAtMs: NaN },
    { holder: new Uint8Array() },
    { holder: new Uint8Array(129) },
    { holderEpoch: -1n },
    { holderEpoch: 1n << 64n },
  ];
  for (const change of wrong) {
    assert.throws(() => encodeLeaseRecord([{ ...LEASE, ...change }]), RangeError);
  }
  assert.throws(
    () => encodeLeaseRecord([LEASE, LEASE]),
    /two leases have the id 1000000: each must/,
  );
});

Deno.test("decodeLeaseRecord() refuses a record with any byte changed", () => {
  for (const record of [EMPTY, ONE]) {
    for (const [bytes, inVersion] of corruptions(Uint8Array.fromHex(record))) {
      refuses(bytes, inVersion ? "unsupported-version" : "corrupt", /: it/);
    }
  }
});

Deno.test("decodeLeaseRecord() refuses a record cut off after each byte, or with bytes after it", () => {
  const record = Uint8Array.fromHex(ONE);
  for (let length = 0; length < record.length; length++) {
    const cut = record.subarray(0, length);
    if (length < 13) refuses(cut, "truncated", /it ends after \d+ of at least 13 bytes/);
    else refuses(cut, "corrupt", /its checksum is/);
  }
  refuses(Uint8Array.of(...record, 0), "corrupt", /checksum/);
});

Deno.test("decodeLeaseRecord() refuses ids out of order, or the same twice", () => {
  assert.equal(decodeLeaseRecord(forgeLeases(parts(1n), parts(2n)), "leases").length, 2);
  refuses(forgeLeases(parts(2n), parts(1n)), "corrupt", /its lease 1 is not above 2/);
  refuses(forgeLeases(parts(2n), parts(2n)), "corrupt", /its lease 2 is not above 2/);
});

Deno.test("decodeLeaseRecord() refuses a content that does not add up under a right checksum", () => {
  refuses(forge("TSOO\x01", { u32: 2 }, ...parts(1n)), "corrupt", /ends within the entry/);
  refuses(forge("TSOO\x01", { u32: 0 }, ...parts(1n)), "corrupt", /44 bytes follow its last entry/);
  refuses(forgeLeases(parts(1n, { holderLength: { u16: 0 } })), "corrupt", /its holder .* 0 bytes/);
  refuses(forgeLeases(parts(1n, { holderLength: { u16: 129 } })), "corrupt", /has 129 bytes/);
  refuses(forgeLeases(parts(1n, { holderLength: { u16: 99 } })), "corrupt", /ends within/);
  refuses(forgeLeases(parts(1n, { superseded: { u8: 2 } })), "corrupt", /is 2, not 0 or 1/);
});

Deno.test("decodeLeaseRecord() refuses numbers that an oracle cannot use", () => {
  const beyond = { u64: 1n << 46n };
  refuses(forgeLeases(parts(1n << 46n)), "out-of-range", /lease id 70368744177664 exceeds/);
  refuses(forgeLeases(parts(1n, { boundMs: beyond })), "out-of-range", /bound 70368744177664/);
  for (const name of ["ttlMs", "expiresAtMs"]) {
    assert.equal(decodeLeaseRecord(forgeLeases(parts(1n, { [name]: beyond })), "leases").length, 1);
    refuses(forgeLeases(parts(1n, { [name]: { u64: 1n << 53n } })), "out-of-range", /exceeds 9007/);
  }
});
