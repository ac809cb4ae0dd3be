// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import fc from "fast-check";
import { PHYSICAL_MS_MAX } from "../../../src/core/timestamp.ts";
import { crc32c } from "../../../src/drivers/records/crc32c.ts";
import { decodeStateRecord, encodeStateRecord } from "../../../src/drivers/file/state_record.ts";
import { RecordError } from "../../../src/drivers/records/record_error.ts";

/** behaviour.md 15.2 */
const VECTORS: ReadonlyArray<readonly [number, string]> = [
  [0, "54534f52010000000000000000806671bc"],
  [1, "54534f52010100000000000000a71b4df5"],
  [42, "54534f52012a000000000000008dfd3261"],
  [12_345, "54534f520139300000000000004b0a009f"],
  [1_700_000_000_000, "54534f52010068e5cf8b01000073b2e828"],
  [PHYSICAL_MS_MAX, "54534f5201ffffffffff3f0000851fe23a"],
];

function hex(bytes: Uint8Array): string {
  return bytes.toHex();
}

/** A record with any 64-bit number and any version, whose checksum is right. */
function forge(highWater: bigint, version = 1): Uint8Array {
  const bytes = encodeStateRecord(0);
  const view = new DataView(bytes.buffer);
  view.setUint8(4, version);
  view.setBigUint64(5, highWater, true);
  view.setUint32(13, crc32c(bytes.subarray(0, 13)), true);
  return bytes;
}

function refuses(bytes: Uint8Array, code: string, found: RegExp): void {
  assert.throws(() => decodeStateRecord(bytes, "/data/state"), (error) => {
    assert.ok(error instanceof RecordError);
    assert.equal(error.code, code);
    assert.equal(error.path, "/data/state");
    assert.match(error.message, /^Cannot read '\/data\/state': /);
    assert.match(error.message, found);
    return true;
  });
}

Deno.test("crc32c() gives the check value and known answers of RFC 3720", () => {
  const sums = [
    crc32c(new TextEncoder().encode("123456789")),
    crc32c(new Uint8Array()),
    crc32c(new Uint8Array(32)),
    crc32c(new Uint8Array(32).fill(0xff)),
    crc32c(Uint8Array.from({ length: 32 }, (_, index) => index)),
  ];
  assert.deepEqual(sums, [0xe3069283, 0, 0x8a9136aa, 0x62a8ab43, 0x46dd794e]);
});

for (const [highWaterMs, record] of VECTORS) {
  Deno.test(`encodeStateRecord() and decodeStateRecord() agree on the vector of ${highWaterMs}`, () => {
    assert.equal(hex(encodeStateRecord(highWaterMs)), record);
    assert.equal(decodeStateRecord(Uint8Array.fromHex(record), "state"), highWaterMs);
  });
}

Deno.test("decodeStateRecord() gives back what encodeStateRecord() took", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: PHYSICAL_MS_MAX }), (highWaterMs) => {
    assert.equal(decodeStateRecord(encodeStateRecord(highWaterMs), "state"), highWaterMs);
  }));
});

Deno.test("encodeStateRecord() refuses what does not fit 46 bits", () => {
  for (const wrong of [-1, 0.5, NaN, Infinity, PHYSICAL_MS_MAX + 1]) {
    assert.throws(() => encodeStateRecord(wrong), RangeError);
  }
});

Deno.test("decodeStateRecord() reads a record inside a larger buffer", () => {
  const buffer = new Uint8Array(40);
  buffer.set(encodeStateRecord(42), 7);
  assert.equal(decodeStateRecord(buffer.subarray(7, 24), "state"), 42);
});

Deno.test("decodeStateRecord() refuses a record cut off after each byte", () => {
  const record = encodeStateRecord(1_700_000_000_000);
  for (let length = 0; length < record.length; length++) {
    refuses(
      record.subarray(0, length),
      "truncated",
      /it ends after \d+ of 17 bytes/,
    );
  }
});

Deno.test("decodeStateRecord() refuses each of the 136 records with one bit flipped", () => {
  for (const [, record] of VECTORS) {
    for (let bit = 0; bit < 136; bit++) {
      const bytes = Uint8Array.fromHex(record);
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
      const inVersion = bit >> 3 === 4;
      refuses(bytes, inVersion ? "unsupported-version" : "corrupt", /: it/);
    }
  }
});

Deno.test("decodeStateRecord() refuses bytes after the record", () => {
  for (const tail of [1, 17, 4_096]) {
    const bytes = new Uint8Array(17 + tail);
    bytes.set(encodeStateRecord(42));
    refuses(bytes, "corrupt", /bytes follow its record/);
  }
});

Deno.test("decodeStateRecord() refuses other versions of any length, and names the version", () => {
  refuses(forge(42n, 2), "unsupported-version", /version is 2, this release knows 1/);
  refuses(forge(42n, 0), "unsupported-version", /version is 0/);
  refuses(forge(42n, 255).subarray(0, 5), "unsupported-version", /version is 255/);
  refuses(Uint8Array.of(...forge(42n, 2), 1, 2, 3), "unsupported-version", /version is 2/);
});

Deno.test("decodeStateRecord() refuses another file", () => {
  refuses(new TextEncoder().encode("TSOD"), "corrupt", /does not begin with 'TSOR'/);
  refuses(new Uint8Array(17), "corrupt", /does not begin with 'TSOR'/);
  refuses(new TextEncoder().encode("X"), "corrupt", /does not begin with 'TSOR'/);
});

Deno.test("decodeStateRecord() refuses a whole record beyond 46 bits", () => {
  for (const beyond of [1n << 46n, (1n << 53n) + 1n, (1n << 64n) - 1n]) {
    refuses(
      forge(beyond),
      "out-of-range",
      new RegExp(`high-water ${beyond} exceeds 70368744177663`),
    );
  }
  assert.equal(decodeStateRecord(forge((1n << 46n) - 1n), "state"), PHYSICAL_MS_MAX);
});

Deno.test("crc32c() agrees with the definition, bit by bit, at every length", () => {
  const byBits = (bytes: Uint8Array) => {
    let crc = -1;
    for (const byte of bytes) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    }
    return ~crc >>> 0;
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(3), (bytes, skipped) => {
    const part = bytes.subarray(Math.min(skipped, bytes.length));
    assert.equal(crc32c(part), byBits(part));
  }));
});
