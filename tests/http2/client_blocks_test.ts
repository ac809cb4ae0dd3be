// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { HpackDecoder } from "../../src/http2/hpack/hpack_decoder.ts";
import type { HeaderField } from "../../src/http2/hpack/header_field.ts";
import { RequestBlocks } from "../../src/http2/request_blocks.ts";
import { data, field, FLAG, frame, TYPE } from "../net/_support/h2_frames.ts";
import { scaled } from "../_support/levels.ts";
import { MemoryServer, settingsOf } from "./_support/memory_server.ts";

const TABLE_SIZE = 1;
const MAX_LIST_BYTES = 1_000_000;

function methods(count: number, padding: string): readonly (readonly HeaderField[])[] {
  return Array.from({ length: count }, (_, i) => [
    { name: ":method", value: "POST" },
    { name: ":path", value: `/a.B/${i}${padding}` },
    { name: "content-type", value: "application/grpc+proto" },
    { name: "te", value: "trailers" },
  ]);
}

Deno.test("a head is read as it was meant, whatever was sent before, and whatever table the server allows", () => {
  const step = fc.record({
    method: fc.nat(5),
    timeout: fc.constantFrom(undefined, "1m", "2m", "2000m"),
    other: fc.constantFrom(undefined, "a", "b"),
    tableBytes: fc.constantFrom(4_096, 4_096, 4_096, 4_096, 65_536, 4_095, 0),
  });
  const property = fc.property(
    fc.array(step),
    fc.constantFrom("", "x".repeat(900)),
    (steps, pad) => {
      const known = methods(6, pad);
      const blocks = new RequestBlocks();
      const decoder = new HpackDecoder({ maxListBytes: MAX_LIST_BYTES });
      for (const { method, timeout, other, tableBytes } of steps) {
        const common = known[method] ?? [];
        const usual = timeout === undefined ? undefined : { name: "grpc-timeout", value: timeout };
        const others = other === undefined ? [] : [{ name: "x-other", value: other }];
        const block = blocks.encode({ common, usual, others }, tableBytes);
        const { fields } = decoder.decode(block, 0, block.length);
        assert.deepEqual(fields, [...common, ...(usual === undefined ? [] : [usual]), ...others]);
        if (tableBytes < 4_096) {
          assert(
            decoder.tableBytes === 0,
            "the table is larger than allowed",
          );
        }
      }
    },
  );
  fc.assert(property, { numRuns: scaled(300, 20_000) });
});

Deno.test("a server that allows no table gets none, and is told so once", async () => {
  using server = MemoryServer.greeted([[TABLE_SIZE, 0]]);
  for (let i = 0; i < 3; i++) server.request("", "5m");
  await server.advance();
  const decoder = new HpackDecoder({ maxTableBytes: 0, maxListBytes: MAX_LIST_BYTES });
  const heads = server.framesOf(TYPE.headers).map(({ payload }) => {
    assert.equal(decoder.decode(payload, 0, payload.length).fields.length, 7);
    return payload[0] === 0x20;
  });
  assert.deepEqual(heads, [true, false, false]);
});

for (
  const [how, sizes] of [
    ["later", [100]],
    ["later, and raises it again before it is used", [100, 4_096]],
  ] as const
) {
  Deno.test(`a server that lowers its table ${how} is told that it is empty`, async () => {
    using server = MemoryServer.greeted();
    server.request();
    server.send(...sizes.map((size) => settingsOf([[TABLE_SIZE, size]])));
    server.request();
    await server.advance();
    const [, second] = server.framesOf(TYPE.headers);
    assert.equal(second?.payload[0], 0x20);
    assert.deepEqual(server.heads[0]?.[1], server.heads[1]?.[1]);
  });
}

Deno.test("a block that comes too late still changes the table", () => {
  using server = MemoryServer.greeted();
  const [given, kept] = [server.request(), server.request()];
  given.stream.cancel();
  const stored = Buffer.concat([Buffer.from([0x40]), field("x-kept", "yes").subarray(1)]);
  server.send(
    frame(TYPE.headers, FLAG.endHeaders, 1, Buffer.concat([Buffer.from([0x88]), stored])),
  );
  server.send(frame(TYPE.headers, FLAG.endHeaders, 3, Buffer.from([0x88, 0xbe])));
  server.send(data(3, Buffer.from("a"), true));
  assert.deepEqual(kept.head?.fields, [{ name: "x-kept", value: "yes" }]);
  assert.deepEqual(kept.events, ["head", "end"]);
});
