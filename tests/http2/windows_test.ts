// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { ERROR_CODE } from "../../src/http2/error_code.ts";
import { encodeBlock } from "../../src/http2/hpack/hpack_encoder.ts";
import type { ByteSpan, Stream } from "../../src/http2/stream.ts";
import {
  cancel,
  data,
  FLAG,
  frame,
  initialWindow,
  openStream,
  TYPE,
  windowUpdate,
} from "../net/_support/h2_frames.ts";
import { MemoryClient } from "./_support/memory_client.ts";

/** A whole request with this body. */
function post(stream: number, body: string): Buffer {
  return Buffer.concat([openStream(stream), data(stream, Buffer.from(body), true)]);
}

Deno.test("a body waits for the windows of the stream and of the connection", () => {
  using client = MemoryClient.greeted();
  client.send(initialWindow(2), post(1, "abcde"), post(3, "vwxyz"));
  assert.deepEqual([client.bodyOf(1), client.bodyOf(3)], ["ab", "vw"]);
  client.send(windowUpdate(3, 1));
  assert.deepEqual([client.bodyOf(1), client.bodyOf(3)], ["ab", "vwx"]);
  client.send(initialWindow(0));
  client.send(windowUpdate(1, 2));
  assert.equal(client.bodyOf(1), "ab");
  client.send(initialWindow(1_000));
  assert.deepEqual([client.bodyOf(1), client.bodyOf(3)], ["abcde", "vwxyz"]);
  assert.deepEqual(client.sink.closed, [[1, 0], [3, 0]]);
});

Deno.test("the end of a stream needs no window, and goes out where that is below 0", () => {
  let begun: Stream | undefined;
  using client = MemoryClient.greeted({ onRequest: (stream) => void (begun = stream) });
  client.send(openStream(1), data(1, Buffer.alloc(0), true));
  begun?.respond(encodeBlock([{ name: ":status", value: "200" }]), false);
  begun?.send(Buffer.from("hello"), false);
  client.send(initialWindow(0));
  begun?.send(new Uint8Array(0), true);
  client.send(frame(TYPE.ping, 0, 0, Buffer.alloc(8)));
  assert.deepEqual(
    client.framesOf(TYPE.data).map(({ flags, payload }) => [flags, payload.length]),
    [
      [0, 5],
      [FLAG.endStream, 0],
    ],
  );
  assert.equal(client.framesOf(TYPE.ping).length, 1);
  assert(begun?.isOver);
});

Deno.test("the bodies of a connection share its window, a frame each in turn", async () => {
  using client = MemoryClient.greeted({ onRequest: sendMuch });
  client.send(initialWindow(200_000), openStream(1), openStream(3));
  await client.advance();
  assert.equal(client.bodyOf(1).length, 65_535);
  assert.equal(client.bodyOf(3).length, 0);
  client.send(windowUpdate(0, 65_536));
  assert.equal(client.bodyOf(1).length, 65_535 + 32_768);
  assert.equal(client.bodyOf(3).length, 32_768);
  assert(client.framesOf(TYPE.data).every(({ payload }) => payload.length <= 16_384));
});

Deno.test("credit goes back in batches, padding included, and for frames that nobody wanted", () => {
  using client = MemoryClient.greeted();
  const padded = frame(TYPE.data, 0x8, 1, Buffer.concat([Buffer.from([200]), Buffer.alloc(300)]));
  client.send(openStream(1), ...Array<Buffer>(108).fill(padded));
  assert.deepEqual(client.framesOf(TYPE.windowUpdate), []);
  client.send(padded);
  const credits = () =>
    client.framesOf(TYPE.windowUpdate).map((
      { stream, payload },
    ) => [stream, payload.readUInt32BE()]);
  assert.deepEqual(credits(), [[0, 109 * 301], [1, 109 * 301]]);
  client.send(cancel(1), windowUpdate(1, 1));
  client.writes.length = 0;
  client.send(openStream(3), windowUpdate(3, 0));
  for (let sent = 0; sent < 40_000; sent += 10_000) client.send(data(3, Buffer.alloc(10_000)));
  assert.deepEqual(credits().map(([stream]) => stream), [0]);
});

Deno.test("a client that sends more than its window loses the stream, or the connection", () => {
  using one = MemoryClient.greeted({ onRequest: keepBody });
  const part = Buffer.alloc(16_384);
  one.send(openStream(1), ...Array<Buffer>(3).fill(data(1, part)), data(1, part.subarray(1)));
  assert.deepEqual([one.resets, one.goaways], [[], []]);
  one.send(data(1, Buffer.alloc(1)));
  assert.deepEqual(one.goaways, [ERROR_CODE.flowControlError]);
});

Deno.test("what a stream was sent beyond its window is given back to the connection", () => {
  let isConsumed = true;
  const sink = {
    ...{ onEnd() {}, onWritable() {}, onClosed() {} },
    onData(stream: Stream, _: Uint8Array, { start, end }: ByteSpan) {
      if (isConsumed) stream.consume(end - start);
    },
  };
  using client = MemoryClient.greeted({ onRequest: (stream) => void (stream.sink = sink) });
  const part = Buffer.alloc(16_384);
  for (let id = 1; id < 20; id += 4) {
    isConsumed = true;
    client.send(openStream(id), data(id, part), openStream(id + 2), data(id + 2, part, true));
    isConsumed = false;
    client.send(...Array<Buffer>(3).fill(data(id, part)), cancel(id + 2));
    assert.deepEqual(client.resets.at(-1), [id, ERROR_CODE.flowControlError]);
  }
  assert.deepEqual(client.goaways, []);
});

Deno.test("what a stream holds when it ends is given back to the connection", () => {
  using client = MemoryClient.greeted({ onRequest: keepBody });
  const part = Buffer.alloc(16_384);
  for (let stream = 1; stream < 20; stream += 2) {
    client.send(openStream(stream), data(stream, part), data(stream, part), cancel(stream));
  }
  assert.deepEqual(client.goaways, []);
});

function keepBody(stream: Stream): void {
  stream.sink = { onData() {}, onEnd() {}, onWritable() {}, onClosed() {} };
}

function sendMuch(stream: Stream): void {
  stream.respond(new Uint8Array([0x88]), false);
  stream.send(new Uint8Array(150_000), true);
}
