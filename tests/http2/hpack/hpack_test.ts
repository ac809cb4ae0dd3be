// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { ConnectionFault, ERROR_CODE } from "../../../src/http2/error_code.ts";
import { BlockMemo } from "../../../src/http2/hpack/block_memo.ts";
import { HpackDecoder } from "../../../src/http2/hpack/hpack_decoder.ts";
import { encodeBlock } from "../../../src/http2/hpack/hpack_encoder.ts";
import { STATIC_TABLE, staticIndex } from "../../../src/http2/hpack/static_table.ts";
import { TextCache } from "../../../src/http2/hpack/text_cache.ts";
import { scaled } from "../../_support/levels.ts";

const LIMIT = { maxListBytes: 16_384 } as const;

function decode(decoder: HpackDecoder, hex: string): string[] {
  const bytes = Buffer.from(hex, "hex");
  return decoder.decode(bytes, 0, bytes.length).fields.map(({ name, value }) =>
    `${name}: ${value}`
  );
}

function assertRefused(hex: string, about: RegExp): void {
  assert.throws(() => decode(new HpackDecoder(LIMIT), hex), (error) => {
    assert(error instanceof ConnectionFault);
    assert.equal(error.code, ERROR_CODE.compressionError);
    assert.match(error.message, about);
    return true;
  });
}

Deno.test("the static table has the corners of RFC 7541, Appendix A", () => {
  assert.equal(STATIC_TABLE.length, 61);
  assert.deepEqual(STATIC_TABLE[0], { name: ":authority", value: "" });
  assert.deepEqual(STATIC_TABLE[15], { name: "accept-encoding", value: "gzip, deflate" });
  assert.deepEqual(STATIC_TABLE[60], { name: "www-authenticate", value: "" });
  assert.equal(staticIndex(":status", "500"), 14);
  assert.equal(staticIndex(":status", "501"), 0);
  assert.equal(staticIndex("content-type", ""), 31);
});

Deno.test("HpackDecoder.decode() gives back what encodeBlock() took", () => {
  const latin1 = fc.uint8Array({ maxLength: 300 }).map((b) => Buffer.from(b).toString("latin1"));
  const known = fc.constantFrom(...STATIC_TABLE.map(({ name }) => name), "grpc-timeout", "cookie");
  const field = fc.tuple(fc.oneof(known, latin1), latin1)
    .map(([name, value]) => ({ name, value }));
  fc.assert(
    fc.property(fc.array(field, { maxLength: 8 }), (fields) => {
      const block = encodeBlock(fields);
      const decoder = new HpackDecoder(LIMIT);
      for (let time = 0; time < 2; time++) {
        assert.deepEqual(decoder.decode(block, 0, block.length).fields, fields);
      }
      assert.equal(decoder.changes, 0);
    }),
    { numRuns: scaled(200, 20_000) },
  );
});

Deno.test("HpackDecoder.decode() answers any bytes with fields or COMPRESSION_ERROR", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 }), (blocks) => {
      const decoder = new HpackDecoder({ maxListBytes: 200 });
      for (const block of blocks) {
        try {
          decoder.decode(block, 0, block.length);
        } catch (error) {
          assert(error instanceof ConnectionFault);
          assert.equal(error.code, ERROR_CODE.compressionError);
          return;
        }
        assert(decoder.tableBytes <= 4_096);
      }
    }),
    { numRuns: scaled(2_000, 500_000) },
  );
});

Deno.test("HpackDecoder.decode() refuses what RFC 7541 does", () => {
  assertRefused("80", /an index without a field: 0/);
  assertRefused("be", /an index without a field: 62/);
  assertRefused("7e00", /an index without a field: 62/);
  assertRefused("8220", /a table size that comes after a field/);
  assertRefused("3fe21f", /a table of 4097 bytes/);
  assertRefused("ffffffffffff00", /an integer that is too large/);
  assertRefused("ff80808080808000", /an integer that is too large/);
  assertRefused("ff", /ends too early/);
  assertRefused("00", /ends too early/);
  assertRefused("000161", /ends too early/);
  assertRefused("00036100", /beyond the end/);
  assertRefused("0081ff00", /coded wrongly/);
});

Deno.test("HpackDecoder.decode() evicts the oldest fields, and all for one that is too large", () => {
  const decoder = new HpackDecoder({ maxTableBytes: 80, maxListBytes: 16_384 });
  decode(decoder, "400161016140016201624001630163");
  assert.equal(decoder.tableBytes, 68);
  assert.deepEqual(decode(decoder, "bebf"), ["c: c", "b: b"]);
  decode(decoder, "40016132" + "61".repeat(50));
  assert.equal(decoder.tableBytes, 0);
  assert.throws(() => decode(decoder, "be"), ConnectionFault);
});

Deno.test("HpackDecoder.decode() takes table sizes at the start of a block, up to its limit", () => {
  const decoder = new HpackDecoder(LIMIT);
  decode(decoder, "4001610161");
  assert.deepEqual(decode(decoder, "203fe11f82"), [":method: GET"]);
  assert.equal(decoder.tableBytes, 0);
  assert.deepEqual(decode(decoder, "4001610161be"), ["a: a", "a: a"]);
});

Deno.test("HpackDecoder.decode() keeps the table of a list that is too large", () => {
  const decoder = new HpackDecoder({ maxListBytes: 100 });
  const bomb = Buffer.from("400161016140016232" + "62".repeat(50) + "be".repeat(4_000), "hex");
  const { fields, isTooLarge } = decoder.decode(bomb, 0, bomb.length);
  assert.equal(isTooLarge, true);
  assert.deepEqual(fields, [{ name: "a", value: "a" }]);
  assert.deepEqual(decode(decoder, "bf"), ["a: a"]);
});

Deno.test("HpackDecoder.decode() takes equal bytes for equal, coded or plain", () => {
  const decoder = new HpackDecoder(LIMIT);
  // The same byte is "&" in plain text and "a" with its padding in code.
  assert.deepEqual(decode(decoder, "0001780126"), ["x: &"]);
  assert.throws(() => decode(decoder, "0001788126"), ConnectionFault);
  const other = new HpackDecoder(LIMIT);
  assert.deepEqual(decode(other, "000178811f"), ["x: a"]);
  assert.deepEqual(decode(other, "000178011f"), ["x: \x1f"]);
});

Deno.test("BlockMemo.find() knows the last blocks that came twice, until the table changes", () => {
  const memo = new BlockMemo<number>();
  const block = (byte: number) => ({ bytes: new Uint8Array([0, byte, 7]), start: 1, end: 3 });
  const add = (byte: number) => {
    for (let time = 0; time < 2; time++) memo.add(block(byte), byte);
  };
  for (let i = 0; i < 5; i++) add(i);
  assert.equal(memo.find(block(0)), undefined);
  for (let i = 1; i < 5; i++) assert.equal(memo.find(block(i)), i);
  for (let i = 5; i < 50; i++) memo.add(block(i), i);
  for (let i = 4; i >= 1; i--) assert.equal(memo.find(block(i)), i);
  assert.equal(memo.find({ bytes: new Uint8Array([4]), start: 0, end: 1 }), undefined);
  memo.clear();
  assert.equal(memo.find(block(1)), undefined);
  add(9);
  assert.equal(memo.find(block(9)), 9);
  assert.equal(memo.find(block(4)), undefined);
  const large = { bytes: new Uint8Array(600), start: 0, end: 600 };
  for (let time = 0; time < 2; time++) memo.add(large, 1);
  assert.equal(memo.find(large), undefined);
});

Deno.test("BlockMemo.add() and TextCache.add() copy, as what holds the bytes may be used again", () => {
  const memo = new BlockMemo<number>();
  const cache = new TextCache();
  const chunk = Buffer.from("/a.B/C");
  const source = { bytes: chunk, start: 0, end: chunk.length, isCoded: false };
  for (let time = 0; time < 2; time++) {
    memo.add(source, 1);
    cache.add(source, "/a.B/C");
  }
  const again = { ...source, bytes: Buffer.from(chunk) };
  chunk.fill(0);
  assert.deepEqual([memo.find(source), cache.find(source)], [undefined, undefined]);
  assert.deepEqual([memo.find(again), cache.find(again)], [1, "/a.B/C"]);
});

Deno.test("TextCache.find() knows strings that came twice, which others that do not drive out", () => {
  const cache = new TextCache();
  const source = (text: string) => ({
    ...{ bytes: Buffer.from(text), start: 0, end: text.length },
    isCoded: false,
  });
  cache.add(source("/a.B/C"), "/a.B/C");
  assert.equal(cache.find(source("/a.B/C")), undefined);
  cache.add(source("/a.B/C"), "/a.B/C");
  for (let i = 0; i < 1_000; i++) cache.add(source(`${i}m`), `${i}m`);
  assert.equal(cache.find(source("/a.B/C")), "/a.B/C");
  assert.equal(cache.find({ ...source("/a.B/C"), isCoded: true }), undefined);
  assert.equal(cache.find(source("/b.B/C")), undefined);
  assert.equal(cache.find(source("999m")), undefined);
});
