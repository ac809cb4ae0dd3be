// SPDX-License-Identifier: Apache-2.0

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import fc from "fast-check";
import { readTimestamps } from "../../../src/client/calls/response_check.ts";
import { TimestampAnswers } from "../../../src/client/calls/timestamp_answers.ts";
import { LOGICAL_MAX, MAX_COUNT, PHYSICAL_MS_MAX } from "../../../src/core/timestamp.ts";
import { GetTsResponseSchema } from "../../../src/gen/tsoracle/v1/tso_pb.ts";
import { scaled } from "../../_support/levels.ts";

const U64 = fc.oneof(
  fc.constantFrom(0n, 1n, 127n, 128n, (1n << 64n) - 1n),
  fc.bigInt(0n, (1n << 64n) - 1n),
);

const ANSWER = fc.record({
  physicalMs: fc.oneof(
    fc.constantFrom(0n, 1n, BigInt(PHYSICAL_MS_MAX), BigInt(PHYSICAL_MS_MAX) + 1n),
    fc.bigInt(0n, BigInt(PHYSICAL_MS_MAX)),
    U64,
  ),
  logicalStart: fc.oneof(fc.constantFrom(0, LOGICAL_MAX), fc.nat(LOGICAL_MAX), fc.nat()),
  count: fc.oneof(fc.constantFrom(0, 1, 2, MAX_COUNT), fc.integer({ min: 1, max: MAX_COUNT })),
  epochHi: U64,
  epochLo: U64,
});

function encoded(answer: Parameters<typeof create<typeof GetTsResponseSchema>>[1]): Uint8Array {
  return toBinary(GetTsResponseSchema, create(GetTsResponseSchema, answer));
}

function outcome(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    const { name } = error as Error;
    return { name, message: name === "BadAnswerError" ? String(error) : "" };
  }
}

/** As protobuf reads it. */
function byProtobuf(message: Uint8Array, count: number): unknown {
  let answer;
  try {
    answer = fromBinary(GetTsResponseSchema, message);
  } catch {
    return { name: "ConnectError", message: "" };
  }
  return outcome(() => readTimestamps(answer, count));
}

Deno.test("TimestampAnswers.read() reads answers of one epoch and of several as protobuf does", () => {
  const counts = fc.constantFrom(undefined, 1, 2, MAX_COUNT);
  const epochs = fc.array(fc.record({ epochHi: U64, epochLo: U64 }), {
    minLength: 1,
    maxLength: 3,
  });
  const rows = fc.array(fc.tuple(ANSWER, counts, fc.nat(2)), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(epochs, rows, (epochs, rows) => {
      const answers = new TimestampAnswers();
      for (const [answer, asked, turn] of rows) {
        const message = encoded({ ...answer, ...epochs[turn % epochs.length] });
        const count = asked ?? answer.count;
        const read = outcome(() => answers.read(message, count));
        assert.deepEqual(read, byProtobuf(message, count));
      }
    }),
    { numRuns: scaled(500, 50_000) },
  );
});

Deno.test("TimestampAnswers.read() reads bytes that are no usual answer as protobuf does", () => {
  const change = fc.record({ at: fc.nat(50), byte: fc.nat(255), cut: fc.nat(50), more: fc.nat(3) });
  fc.assert(
    fc.property(ANSWER, fc.array(change, { maxLength: 3 }), (answer, changes) => {
      const answers = new TimestampAnswers();
      const good = { ...answer, physicalMs: 1n, logicalStart: 0, count: 1 };
      answers.read(encoded(good), 1);
      let message = encoded({ ...answer, count: 1 });
      for (const { at, byte, cut, more } of changes) {
        if (more === 0) message = message.slice(0, cut);
        else if (more === 1) message = new Uint8Array([...message, byte]);
        else if (at < message.length) message[at] = byte;
      }
      assert.deepEqual(outcome(() => answers.read(message, 1)), byProtobuf(message, 1));
    }),
    { numRuns: scaled(5_000, 500_000) },
  );
});
