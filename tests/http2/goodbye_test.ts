// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { ERROR_CODE } from "../../src/http2/error_code.ts";
import type { Stream } from "../../src/http2/stream.ts";
import { cancel, data, frame, openStream, TYPE, windowUpdate } from "../net/_support/h2_frames.ts";
import { MemoryClient, PATIENCE } from "./_support/memory_client.ts";

const EMPTY = Buffer.alloc(0);

Deno.test("drain() lets open streams finish, takes no other, and closes then", async () => {
  using client = MemoryClient.greeted();
  client.send(openStream(1), openStream(3));
  client.connection.drain();
  client.connection.drain();
  await client.advance();
  assert.equal(client.framesOf(TYPE.goaway)[0]?.payload.readUInt32BE(), 3);
  client.send(openStream(5), data(5, EMPTY, true), windowUpdate(5, 1), cancel(5));
  assert.equal(client.bodyOf(5), "");
  client.send(data(1, Buffer.from("a"), true));
  assert.equal(client.isEnded, false);
  client.send(data(3, Buffer.from("b"), true));
  assert.equal(client.isEnded, true);
  assert.deepEqual([client.bodyOf(1), client.bodyOf(3)], ["a", "b"]);
  assert.deepEqual(client.goaways, [ERROR_CODE.noError]);
});

Deno.test("drain() closes a connection without streams at once", () => {
  using client = MemoryClient.greeted();
  client.connection.drain();
  assert.deepEqual(client.goaways, [ERROR_CODE.noError]);
  assert.equal(client.isEnded, true);
});

Deno.test("a connection closes when its client has said goodbye and its streams are over", () => {
  using client = MemoryClient.greeted();
  client.send(openStream(1), frame(TYPE.goaway, 0, 0, Buffer.alloc(8)));
  assert.equal(client.isEnded, false);
  client.send(data(1, Buffer.from("a"), true));
  assert.equal(client.bodyOf(1), "a");
  assert.equal(client.isEnded, true);
});

Deno.test("a stream whose answer is whole before its request is over with the request", () => {
  using client = MemoryClient.greeted({ onRequest: answerAtOnce });
  client.send(openStream(1));
  assert.equal(client.connection.streams, 1);
  client.send(data(1, Buffer.from("the rest"), true));
  assert.equal(client.connection.streams, 0);
  assert.deepEqual([client.resets, client.goaways], [[], []]);
});

Deno.test("streams that are answered make room, and drain() lets them go, though the client says nothing", async () => {
  using client = MemoryClient.greeted({ onRequest: answerAtOnce });
  client.send(...[1, 3, 5, 7].map((stream) => openStream(stream)));
  assert.equal(client.connection.streams, 4);
  client.send(openStream(9));
  assert.deepEqual(client.resets, [1, 3, 5, 7].map((stream) => [stream, ERROR_CODE.noError]));
  client.send(data(7, Buffer.from("late"), true));
  assert.deepEqual([client.connection.streams, client.goaways], [1, []]);
  client.connection.drain();
  await client.advance();
  assert.deepEqual(client.resets.slice(4), [[9, ERROR_CODE.noError]]);
  assert.deepEqual([client.goaways, client.isEnded], [[ERROR_CODE.noError], true]);
});

Deno.test("a stream that is answered while its connection drains does not hold it open", async () => {
  const streams: Stream[] = [];
  using client = MemoryClient.greeted({ onRequest: (stream) => streams.push(stream) });
  client.send(openStream(1));
  client.connection.drain();
  assert.equal(client.isEnded, false);
  streams.forEach(answerAtOnce);
  await client.advance();
  assert.deepEqual([client.resets, client.isEnded], [[[1, ERROR_CODE.noError]], true]);
});

Deno.test("a client that closes late is not waited for", async () => {
  using client = MemoryClient.greeted();
  client.connection.drain();
  await client.advance(PATIENCE.stallMs - 1);
  assert.equal(client.isDestroyed, false);
  await client.advance(1);
  assert.equal(client.isDestroyed, true);
});

function keepBody(stream: Stream): void {
  stream.sink = { onData() {}, onEnd() {}, onWritable() {}, onClosed() {} };
}

function answerAtOnce(stream: Stream): void {
  keepBody(stream);
  stream.respond(new Uint8Array([0x88]), true);
}
