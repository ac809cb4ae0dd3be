// SPDX-License-Identifier: Apache-2.0

import { create } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import {
  BadAnswerError,
  readSafePoint,
  readSequence,
  readTimestamps,
} from "../../../src/client/calls/response_check.ts";
import { EPOCH_MAX } from "../../../src/core/epoch.ts";
import { MAX_COUNT, PHYSICAL_MS_MAX } from "../../../src/core/timestamp.ts";
import { GetSeqResponseSchema, GetTsResponseSchema } from "../../../src/gen/tsoracle/v1/tso_pb.ts";

const U64_MAX = (1n << 64n) - 1n;
const U32_MAX = 0xffff_ffff;

interface Row {
  readonly asked: number;
  readonly count: number;
  readonly logicalStart?: number;
  readonly physicalMs?: bigint;
  readonly good: boolean;
}

/** behaviour.md 6.3. */
const TIMESTAMPS: readonly Row[] = [
  { asked: 1, count: 1, good: true },
  { asked: 1, count: 1, logicalStart: 262_143, good: true },
  { asked: 1, count: 1, logicalStart: 262_144, good: false },
  { asked: 2, count: 2, logicalStart: 262_142, good: true },
  { asked: 2, count: 2, logicalStart: 262_143, good: false },
  { asked: MAX_COUNT, count: MAX_COUNT, good: true },
  { asked: MAX_COUNT, count: MAX_COUNT, logicalStart: 1, good: false },
  { asked: 2, count: 1, good: false },
  { asked: 2, count: 3, good: false },
  { asked: 1, count: 0, good: false },
  { asked: 1, count: 1, logicalStart: U32_MAX, good: false },
  { asked: 1, count: 1, physicalMs: BigInt(PHYSICAL_MS_MAX), good: true },
  { asked: 1, count: 1, physicalMs: BigInt(PHYSICAL_MS_MAX) + 1n, good: false },
  { asked: 1, count: 1, physicalMs: U64_MAX, good: false },
];

for (const { good, asked, ...fields } of TIMESTAMPS) {
  const { count, logicalStart = 0, physicalMs = 0n } = fields;
  const what = `${count} from (${physicalMs}, ${logicalStart}) for ${asked}`;
  Deno.test(`readTimestamps() ${good ? "accepts" : "refuses"} ${what}`, () => {
    const answer = create(GetTsResponseSchema, fields);
    if (!good) return assert.throws(() => readTimestamps(answer, asked), BadAnswerError);
    const expected = { physicalMs: Number(physicalMs), logicalStart, count, epoch: 0n };
    assert.deepEqual(readTimestamps(answer, asked), expected);
  });
}

Deno.test("readTimestamps() joins the halves of the epoch", () => {
  const halves = { epochHi: U64_MAX, epochLo: U64_MAX };
  assert.equal(
    readTimestamps(create(GetTsResponseSchema, { count: 1, ...halves }), 1).epoch,
    EPOCH_MAX,
  );
});

Deno.test("readSequence() accepts the last block of all, and epoch zero", () => {
  const request = { key: "orders", count: 2 };
  const last = { ...request, start: U64_MAX - 2n, epoch: { hi: 0n, lo: 0n } };
  const answer = create(GetSeqResponseSchema, last);
  assert.deepEqual(readSequence(answer, request), { ...request, start: U64_MAX - 2n, epoch: 0n });
});

Deno.test("readSafePoint() accepts the zero of a server that does not lead, and refuses 46 bits and more", () => {
  const halves = { epochHi: 0n, epochLo: 0n };
  assert.deepEqual(readSafePoint(0n, halves), { physicalMs: 0, epoch: 0n });
  assert.throws(() => readSafePoint(1n << 46n, halves), BadAnswerError);
});
