// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { encodeFrame, FLAG, FRAME, FrameReader } from "../../bench/load/http2/frame.ts";
import { decodeFields, encodeFields } from "../../bench/load/http2/hpack.ts";
import { decodeHuffman } from "../../bench/load/http2/huffman.ts";

Deno.test("decodeHuffman() reads the examples of RFC 7541, C.4 and C.6", () => {
  const examples = {
    "f1e3c2e5f23a6ba0ab90f4ff": "www.example.com",
    "a8eb10649cbf": "no-cache",
    "25a849e95bb8e8b4bf": "custom-value",
    "aec3771a4b": "private",
    "d07abe941054d444a8200595040b8166e082a62d1bff": "Mon, 21 Oct 2013 20:13:21 GMT",
    "9d29ad171863c78f0b97c8e9ae82ae43d3": "https://www.example.com",
  };
  for (const [hex, text] of Object.entries(examples)) {
    assert.equal(decodeHuffman(Buffer.from(hex, "hex")), text);
  }
});

Deno.test("decodeFields() reads the example of RFC 7541, C.6.1", () => {
  const block = "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff" +
    "6e919d29ad171863c78f0b97c8e9ae82ae43d3";
  assert.deepEqual(decodeFields(Buffer.from(block, "hex")), {
    ":status": "302",
    "cache-control": "private",
    "date": "Mon, 21 Oct 2013 20:13:21 GMT",
    "location": "https://www.example.com",
  });
});

Deno.test("decodeFields() reads what encodeFields() wrote, after a change of the table's size", () => {
  const fields = { ":status": "200", "content-type": "application/grpc", "grpc-status": "0" };
  const block = Buffer.concat([Buffer.from([0x20, 0x88]), encodeFields(fields)]);
  assert.deepEqual(decodeFields(block), fields);
});

Deno.test("decodeFields() refuses the dynamic table and a block that ends too early", () => {
  assert.throws(() => decodeFields(Buffer.from([0x80 + 62])), /dynamic table/);
  assert.throws(() => decodeFields(Buffer.from([0x00, 0x05, 0x61])), /ends too early/);
  assert.throws(() => decodeFields(Buffer.from([0xff])), /ends too early/);
});

Deno.test("take() cuts frames out of chunks of any size, without their padding", () => {
  const padded = Buffer.from([2, 104, 105, 0, 0]);
  const sent = Buffer.concat([
    encodeFrame({ type: FRAME.data, flags: FLAG.padded, streamId: 5 }, padded),
    encodeFrame({ type: FRAME.ping }, Buffer.alloc(8)),
  ]);
  for (let size = 1; size <= sent.length; size++) {
    const reader = new FrameReader();
    const frames = [];
    for (let at = 0; at < sent.length; at += size) {
      frames.push(...reader.take(sent.subarray(at, at + size)));
    }
    const seen = frames.map(({ type, streamId, payload }) => [type, streamId, `${payload}`]);
    assert.deepEqual(seen, [[FRAME.data, 5, "hi"], [FRAME.ping, 0, "\0".repeat(8)]]);
  }
});
