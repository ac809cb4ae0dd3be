// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { blockFromJson, readFrames, requestFrame } from "../../bench/load/block.ts";
import { readResponse } from "../../bench/load/http_response.ts";

Deno.test("requestFrame() is a gRPC frame around the count", () => {
  assert.deepEqual([...requestFrame(300)], [0, 0, 0, 0, 3, 8, 0xac, 2]);
});

Deno.test("readFrames() finds the message and the trailers of gRPC-Web", () => {
  const { message, trailers } = readFrames(
    Buffer.from("\x00\x00\x00\x00\x02ab\x80\x00\x00\x00\x0egrpc-status: 0", "latin1"),
  );
  assert.equal(Buffer.from(message).toString(), "ab");
  assert.equal(trailers, "grpc-status: 0");
});

Deno.test("readFrames() refuses what is not whole frames with one message", () => {
  const refused = [
    ["", /0 messages/],
    ["\x80\x00\x00\x00\x01x", /0 messages/],
    ["\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", /2 messages/],
    ["\x00\x00\x00", /inside a frame/],
    ["\x00\x00\x00\x00\x02a", /inside a frame/],
    ["\x01\x00\x00\x00\x00", /flags 1/],
  ] as const;
  for (const [bytes, message] of refused) {
    assert.throws(() => readFrames(Buffer.from(bytes, "latin1")), { message });
  }
});

Deno.test("blockFromJson() reads 64-bit numbers from strings and misses no field", () => {
  assert.deepEqual(blockFromJson('{"physicalMs":"1800000000000","logicalStart":0,"count":1}'), {
    physicalMs: 1_800_000_000_000,
    logicalStart: 0,
    count: 1,
  });
  assert.throws(() => blockFromJson('{"code":"internal"}'), /no block of timestamps/);
});

Deno.test("readResponse() waits for the whole answer, in either way of telling its length", () => {
  const counted = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  const chunked =
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
  for (const text of [counted, chunked]) {
    for (let cut = 0; cut < text.length; cut++) {
      assert.equal(readResponse(Buffer.from(text.slice(0, cut))), undefined);
    }
    const response = readResponse(Buffer.from(`${text}HTTP/1.1`));
    assert.equal(response?.body.toString(), "hello");
    assert.equal(response.length, text.length);
  }
});

Deno.test("readResponse() keeps the status of an error", () => {
  const answer = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
  assert.equal(readResponse(Buffer.from(answer))?.status, 503);
});

Deno.test("readResponse() refuses what it could not measure", () => {
  assert.throws(() => readResponse(Buffer.from("SSH-2.0\r\n\r\n")), /no answer of HTTP/);
  assert.throws(
    () => readResponse(Buffer.from("HTTP/1.1 200 OK\r\n\r\n")),
    /does not tell its length/,
  );
});
