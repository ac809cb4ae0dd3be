// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { huffmanBytes, huffmanDecode, huffmanEncode } from "../../../src/http2/hpack/huffman.ts";
import { HUFFMAN_CODES } from "../../../src/http2/hpack/huffman_code.ts";
import { scaled } from "../../_support/levels.ts";

function decode(hex: string): string | undefined {
  const bytes = Buffer.from(hex, "hex");
  return huffmanDecode(bytes, 0, bytes.length);
}

Deno.test("the codes are those of RFC 7541, Appendix B, at its corners", () => {
  const codes: [number, number, number][] = [
    [0, 0x1ff8, 13],
    [32, 0x14, 6],
    [48, 0x0, 5],
    [97, 0x3, 5],
    [122, 0x7b, 7],
    [127, 0xffffffc, 28],
    [249, 0xffffffe, 28],
    [22, 0x3ffffffe, 30],
    [256, 0x3fffffff, 30],
  ];
  for (const [symbol, bits, length] of codes) {
    assert.deepEqual(HUFFMAN_CODES[symbol], { bits, length }, `of ${symbol}`);
  }
});

Deno.test("huffmanDecode() gives back what huffmanEncode() took", () => {
  const latin1 = fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(latin1, (bytes) => {
      const coded = huffmanEncode(bytes.toString("latin1"));
      assert.equal(coded.length, huffmanBytes(bytes.toString("latin1")));
      assert.equal(huffmanDecode(coded, 0, coded.length), bytes.toString("latin1"));
    }),
    { numRuns: scaled(500, 50_000) },
  );
});

Deno.test("huffmanDecode() reads no text from bytes that huffmanEncode() would not write", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
      const text = huffmanDecode(bytes, 0, bytes.length);
      if (text === undefined) return;
      assert.deepEqual([...huffmanEncode(text)], [...bytes]);
    }),
    { numRuns: scaled(2_000, 500_000) },
  );
});

Deno.test("huffmanDecode() refuses padding of a byte, of zeros, and the end of a string", () => {
  assert.equal(decode("1f"), "a");
  assert.equal(decode("1fff"), undefined);
  assert.equal(decode("18"), undefined);
  assert.equal(decode("ffffffff"), undefined);
  assert.equal(decode("ff"), undefined);
  assert.equal(decode(""), "");
});
