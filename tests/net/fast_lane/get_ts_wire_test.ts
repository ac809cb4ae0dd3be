// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { EPOCH_MAX, epochToHalves } from "../../../src/core/epoch.ts";
import { MAX_COUNT, PHYSICAL_MS_MAX } from "../../../src/core/timestamp.ts";
import { GetTsRequestSchema, GetTsResponseSchema } from "../../../src/gen/tsoracle/v1/tso_pb.ts";
import {
  getTsRequest,
  GetTsResponseWriter,
  NOT_PLAIN,
  readGetTsRequest,
} from "../../../src/net/fast_lane/get_ts_wire.ts";
import { scaled } from "../../_support/levels.ts";

function request(count: number): Uint8Array {
  return toBinary(GetTsRequestSchema, create(GetTsRequestSchema, { count }));
}

Deno.test("readGetTsRequest() reads every count that can be granted, and getTsRequest() writes it back", () => {
  const counts = fc.oneof(
    fc.constantFrom(1, 127, 128, 16_383, 16_384, MAX_COUNT),
    fc.integer({ min: 1, max: MAX_COUNT }),
  );
  fc.assert(
    fc.property(counts, fc.nat(3), (count, offset) => {
      const bytes = new Uint8Array([...Array<number>(offset).fill(9), ...request(count), 9]);
      assert.equal(readGetTsRequest(bytes, offset, bytes.length - 1), count);
      assert.deepEqual(getTsRequest(count), request(count));
    }),
    { numRuns: scaled(500, 50_000) },
  );
});

Deno.test("readGetTsRequest() reads no other bytes than those that protobuf would write", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 6 }),
    fc.uint8Array({ maxLength: 4 }).map((rest) => new Uint8Array([8, ...rest])),
  );
  fc.assert(
    fc.property(bytes, (bytes) => {
      const count = readGetTsRequest(bytes, 0, bytes.length);
      if (count === NOT_PLAIN) return;
      assert.equal(fromBinary(GetTsRequestSchema, bytes).count, count);
      assert.deepEqual(request(count), bytes);
    }),
    { numRuns: scaled(5_000, 500_000) },
  );
});

for (
  const hex of [
    "",
    "08",
    "0800",
    "088000",
    "08818000",
    "08808010",
    "080100",
    "0801100a",
    "1001",
    "0881",
  ]
) {
  Deno.test(`readGetTsRequest() leaves ${hex === "" ? "nothing" : hex} to others, as it is not plain`, () => {
    const bytes = Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16));
    const isPlain = readGetTsRequest(bytes, 0, bytes.length) !== NOT_PLAIN;
    assert.equal(isPlain, hex === "08808010");
  });
}

Deno.test("GetTsResponseWriter.write() writes what protobuf would", () => {
  const writer = new GetTsResponseWriter();
  const epochs = fc.oneof(
    fc.constantFrom(0n, 1n, EPOCH_MAX),
    fc.bigInt({ min: 0n, max: EPOCH_MAX }),
  );
  const grants = fc.record({
    physicalMs: fc.oneof(
      fc.constantFrom(0, 127, 2 ** 31, 2 ** 32),
      fc.integer({ min: 0, max: PHYSICAL_MS_MAX }),
    ),
    logicalStart: fc.nat(MAX_COUNT - 1),
    count: fc.integer({ min: 1, max: MAX_COUNT }),
    epoch: epochs,
  });
  fc.assert(
    fc.property(grants, fc.constantFrom(0, 5), (grant, offset) => {
      const { physicalMs, logicalStart, count, epoch } = grant;
      const { hi: epochHi, lo: epochLo } = epochToHalves(epoch);
      const message = { physicalMs: BigInt(physicalMs), logicalStart, count, epochHi, epochLo };
      const bytes = new Uint8Array(64);
      const end = offset + writer.lengthOf({ kind: "granted", ...grant });
      writer.write({ kind: "granted", ...grant }, bytes, offset);
      const expected = toBinary(GetTsResponseSchema, create(GetTsResponseSchema, message));
      assert.deepEqual(bytes.slice(offset, end), expected);
      assert.deepEqual(bytes.slice(end), new Uint8Array(64 - end));
    }),
    { numRuns: scaled(1_000, 100_000) },
  );
});
