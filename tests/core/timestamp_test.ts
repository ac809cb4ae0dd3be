// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import fc from "fast-check";
import { CoreError } from "../../src/core/errors.ts";
import type { CoreErrorCode } from "../../src/core/errors.ts";
import {
  checkPhysicalMs,
  isPhysicalMs,
  LOGICAL_BITS,
  LOGICAL_MAX,
  MAX_COUNT,
  packTimestamp,
  PHYSICAL_BITS,
  PHYSICAL_MS_MAX,
  unpackTimestamp,
} from "../../src/core/timestamp.ts";

/** The table of behaviour.md 15.1. */
const VECTORS = [
  { physicalMs: 0, logical: 0, packed: 0n, hex: "0x0" },
  { physicalMs: 0, logical: 1, packed: 1n, hex: "0x1" },
  { physicalMs: 1, logical: 0, packed: 262_144n, hex: "0x40000" },
  { physicalMs: 1_000, logical: 5, packed: 262_144_005n, hex: "0xfa00005" },
  {
    physicalMs: 1_700_000_000_000,
    logical: 0,
    packed: 445_644_800_000_000_000n,
    hex: "0x62f3f95a0000000",
  },
  {
    physicalMs: 1_700_000_000_000,
    logical: 262_143,
    packed: 445_644_800_000_262_143n,
    hex: "0x62f3f95a003ffff",
  },
  {
    physicalMs: 70_368_744_177_663,
    logical: 262_143,
    packed: 18_446_744_073_709_551_615n,
    hex: "0xffffffffffffffff",
  },
];

const NOT_PHYSICAL = [-1, 0.5, 1e3 + 0.25, 2 ** 46, 2 ** 53, NaN, Infinity, -Infinity];
const NOT_LOGICAL = [-1, 0.5, 262_144, 2 ** 32, NaN, Infinity];

const PHYSICAL = fc.integer({ min: 0, max: PHYSICAL_MS_MAX });
const LOGICAL = fc.integer({ min: 0, max: LOGICAL_MAX });

function refusal(code: CoreErrorCode, part: string): (error: unknown) => boolean {
  return (error) =>
    error instanceof CoreError && error.code === code && error.name === "CoreError" &&
    error.message.includes(part);
}

for (const { physicalMs, logical, packed, hex } of VECTORS) {
  Deno.test(`packTimestamp() makes ${hex} of (${physicalMs}, ${logical})`, () => {
    assert.equal(packTimestamp(physicalMs, logical), packed);
    assert.equal(packTimestamp(physicalMs, logical), BigInt(hex));
    assert.equal(`0x${packed.toString(16)}`, hex);
  });

  Deno.test(`unpackTimestamp() makes (${physicalMs}, ${logical}) of ${hex}`, () => {
    assert.deepEqual(unpackTimestamp(packed), { physicalMs, logical });
  });
}

Deno.test("the widths add up to 64 bits and the bounds follow from them", () => {
  assert.equal(PHYSICAL_BITS + LOGICAL_BITS, 64);
  assert.equal(PHYSICAL_MS_MAX, 2 ** PHYSICAL_BITS - 1);
  assert.equal(LOGICAL_MAX, 2 ** LOGICAL_BITS - 1);
  assert.equal(MAX_COUNT, LOGICAL_MAX + 1);
});

Deno.test("packTimestamp() exceeds a signed 64-bit integer from 2^45 milliseconds on", () => {
  assert(BigInt.asIntN(64, packTimestamp(2 ** 45 - 1, LOGICAL_MAX)) > 0n);
  assert(BigInt.asIntN(64, packTimestamp(2 ** 45, 0)) < 0n);
});

Deno.test("packTimestamp() refuses a physical part that is not a 46-bit whole number", () => {
  for (const value of NOT_PHYSICAL) {
    assert.throws(
      () => packTimestamp(value, 0),
      refusal("physical-ms-out-of-range", String(value)),
      String(value),
    );
  }
});

Deno.test("packTimestamp() refuses a logical part that is not an 18-bit whole number", () => {
  for (const value of NOT_LOGICAL) {
    assert.throws(
      () => packTimestamp(0, value),
      refusal("logical-out-of-range", String(value)),
      String(value),
    );
  }
});

Deno.test("packTimestamp() names the physical part when both parts are out of range", () => {
  assert.throws(() => packTimestamp(-1, -1), refusal("physical-ms-out-of-range", "-1"));
});

Deno.test("unpackTimestamp() refuses what is not an unsigned 64-bit integer", () => {
  for (const value of [-1n, 1n << 64n, -(1n << 63n)]) {
    assert.throws(
      () => unpackTimestamp(value),
      refusal("timestamp-out-of-range", String(value)),
      String(value),
    );
  }
});

Deno.test("isPhysicalMs() and checkPhysicalMs() agree on the 46-bit range", () => {
  for (const value of [0, 1, PHYSICAL_MS_MAX]) {
    assert(isPhysicalMs(value));
    assert.equal(checkPhysicalMs(value), value);
  }
  for (const value of NOT_PHYSICAL) {
    assert(!isPhysicalMs(value));
    assert.throws(() => checkPhysicalMs(value), refusal("physical-ms-out-of-range", "46-bit"));
  }
});

Deno.test("unpackTimestamp() undoes packTimestamp()", () => {
  fc.assert(
    fc.property(PHYSICAL, LOGICAL, (physicalMs, logical) => {
      assert.deepEqual(unpackTimestamp(packTimestamp(physicalMs, logical)), {
        physicalMs,
        logical,
      });
    }),
  );
});

Deno.test("packTimestamp() undoes unpackTimestamp()", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), (packed) => {
      const { physicalMs, logical } = unpackTimestamp(packed);
      assert.equal(packTimestamp(physicalMs, logical), packed);
    }),
  );
});

Deno.test("packTimestamp() orders as the pair of its parts", () => {
  const nearPair = fc.tuple(PHYSICAL, fc.integer({ min: -1, max: 1 }), LOGICAL, LOGICAL)
    .filter(([ms, step]) => isPhysicalMs(ms + step));
  fc.assert(
    fc.property(nearPair, ([ms, step, left, right]) => {
      const order = Math.sign(step === 0 ? right - left : step);
      const difference = packTimestamp(ms + step, right) - packTimestamp(ms, left);
      assert.equal(difference > 0n ? 1 : difference < 0n ? -1 : 0, order);
    }),
  );
});
