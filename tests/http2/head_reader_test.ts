// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import fc from "fast-check";
import { HeadReader } from "../../src/http2/head_reader.ts";
import { HeaderBlocks } from "../../src/http2/header_blocks.ts";
import type { HeaderField } from "../../src/http2/hpack/header_field.ts";
import { HpackDecoder } from "../../src/http2/hpack/hpack_decoder.ts";
import type { RequestHead } from "../../src/http2/request_head.ts";
import { readHead } from "../../src/http2/request_head.ts";
import { fastProtocolOf } from "../../src/net/fast_lane/fast_route.ts";
import { scaled } from "../_support/levels.ts";
import type { Form } from "./_support/mixed_encoder.ts";
import { MixedEncoder } from "./_support/mixed_encoder.ts";

/** Seeds with which something was found once. */
const SEEDS: readonly number[] = [];

const LIMIT_BYTES = 600;
const PATH = "/tsoracle.v1.TsoService/GetTs";

/** A place of a list: mostly the first value. */
function field(name: string, ...values: readonly string[]): fc.Arbitrary<HeaderField> {
  const [usual = "", ...others] = values;
  const value = fc.oneof({ weight: 9, arbitrary: fc.constant(usual) }, fc.constantFrom(...others));
  return value.map((value) => ({ name, value }));
}

const digits = fc.nat(99_999_999).map(String);
const timeout = fc.oneof(
  fc.tuple(digits, fc.constantFrom(..."HMSmun")).map(([amount, unit]) => amount + unit),
  fc.constantFrom("0m", "m", "1", "123456789m", "1 m", " 1m", "-1m", "5X", ""),
);
const trace = fc.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);

const list = fc.tuple(
  field(":method", "POST", "GET"),
  field(":scheme", "http", "https", ""),
  field(":path", PATH, "/tsoracle.v1.TsoService/GetSeq", "x"),
  field(":authority", "127.0.0.1:50551", "other:1", " other"),
  field("content-type", "application/grpc", "application/proto", "application/grpc+json"),
  field("te", "trailers", "gzip"),
  timeout.map((value) => ({ name: "grpc-timeout", value })),
  fc.oneof({ weight: 9, arbitrary: trace }, fc.constantFrom("with\nbreak", "x".repeat(500)))
    .map((value) => ({ name: "traceparent", value })),
  field("content-length", "7", "8", "x", ""),
  field("grpc-timeout", "1S", "x"),
  field("X", "a", "b"),
  field("host", "127.0.0.1:50551", "other:1"),
);

/** Some of the places, mostly the first eight, mostly in their order. */
const places = fc.oneof(
  { weight: 6, arbitrary: fc.constant([0, 1, 2, 3, 4, 5, 6, 7]) },
  { weight: 2, arbitrary: fc.constant([0, 1, 2, 3, 4, 5, 6]) },
  { weight: 4, arbitrary: fc.constant([0, 1, 2, 3, 4, 5, 6, 7, 8]) },
  { weight: 2, arbitrary: fc.constant([0, 1, 2, 3, 4, 11]) },
  fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
);
const fields = fc.tuple(list, places)
  .map(([all, chosen]) => chosen.map((place) => all[place] as HeaderField));

const forms = fc.array(fc.constantFrom<Form>("index", "index", "index", 0, 1, 2), {
  minLength: 1,
  maxLength: 11,
});
/** Mostly forms of a client that does the same each time. */
const block = fc.record({
  fields,
  forms: fc.oneof(
    fc.constant<readonly Form[]>(["index"]),
    fc.constant<readonly Form[]>(["index", "index", 1, "index", "index", "index", "index", 2]),
    forms,
  ),
  tableBytes: fc.option(fc.constantFrom(0, 100, 300, 4_096), { nil: undefined, freq: 12 }),
  again: fc.nat(2),
});

/** What depends on the whole of a head, as the fast lane does. */
function route(head: RequestHead): string {
  return `${fastProtocolOf(head)} for ${JSON.stringify(head)}`;
}

Deno.test("blocks that are like others mean what they would mean by themselves", () => {
  const property = fc.property(fc.array(block, { maxLength: 30 }), (blocks) => {
    const encoder = new MixedEncoder();
    const heads = new HeadReader(route);
    const remembering = new HeaderBlocks(LIMIT_BYTES, (list) => heads.read(list));
    const plain = new HpackDecoder({ maxListBytes: LIMIT_BYTES });
    for (const { fields, forms, tableBytes, again } of blocks) {
      for (let time = 0; time <= again; time++) {
        const bytes = encoder.encode(fields, forms, time === 0 ? tableBytes : undefined);
        const source = { bytes, start: 0, end: bytes.length };
        const expected = readHead(plain.decode(bytes, 0, bytes.length), route);
        assert.deepEqual(remembering.read(source), expected);
      }
    }
  });
  fc.assert(property, { numRuns: scaled(300, 30_000) });
  for (const seed of SEEDS) fc.assert(property, { seed, numRuns: 300 });
});

Deno.test("only a head that differs from the last of its method is routed anew", () => {
  const routed: string[] = [];
  const heads = new HeadReader((head) => void routed.push(head.fields[0]?.value ?? ""));
  const read = (path: string, deadline: string) => {
    const all = { ":method": "POST", ":scheme": "http", ":path": path, "grpc-timeout": deadline };
    const fields = Object.entries(all).map(([name, value]) => ({ name, value }));
    return heads.read({ fields, bytes: 300, isTooLarge: false });
  };
  const first = read("/a", "1m");
  assert.equal(read("/a", "1m"), first);
  assert.deepEqual(routed, ["1m"]);
  const second = read("/a", "2m");
  assert.equal(second.kind === "head" && second.head.fields[0]?.value, "2m");
  read("/b", "3m");
  assert.equal(read("/a", "2m"), second);
  assert.deepEqual(routed, ["1m", "2m", "3m"]);
  assert.deepEqual(read("/a", "1m"), first);
});
