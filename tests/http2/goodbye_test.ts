// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { ERROR_CODE } from "../../src/http2/error_code.ts";
import type { Stream } from "../../src/http2/stream.ts";
import {
  cancel,
  data,
  FLAG,
  frame,
  openStream,
  TYPE,
  windowUpdate,
} from "../net/_support/h2_frames.ts";
import { MemoryClient, PATIENCE } from "./_support/memory_client.ts";

const EMPTY = Buffer.alloc(0);

/** Answers the PING that comes with a goodbye: all that the client had sent before it knew has been sent. */
async function acknowledge(client: MemoryClient): Promise<void> {
  await client.advance();
  const ping = client.framesOf(TYPE.ping).at(-1);
  if (ping === undefined) throw new Error("no PING");
  client.send(frame(TYPE.ping, FLAG.ack, 0, ping.payload));
}

/** The last stream that each goodbye names. */
function lastStreams(client: MemoryClient): readonly number[] {
  return client.framesOf(TYPE.goaway).map(({ payload }) => payload.readUInt32BE());
}

Deno.test("drain() takes what was on its way, lets open streams finish, and closes then", async () => {
  using client = MemoryClient.greeted();
  client.send(openStream(1), openStream(3));
  client.connection.drain();
  client.connection.drain();
  await client.advance();
  assert.deepEqual(lastStreams(client), [0x7fff_ffff]);
  client.send(openStream(5), data(5, Buffer.from("c"), true));
  assert.equal(client.bodyOf(5), "c");
  await acknowledge(client);
  assert.deepEqual(lastStreams(client), [0x7fff_ffff, 5]);
  client.send(openStream(7), data(7, EMPTY, true), windowUpdate(7, 1), cancel(7));
  assert.equal(client.bodyOf(7), "");
  client.send(data(1, Buffer.from("a"), true));
  assert.equal(client.isEnded, false);
  client.send(data(3, Buffer.from("b"), true));
  assert.equal(client.isEnded, true);
  assert.deepEqual([client.bodyOf(1), client.bodyOf(3)], ["a", "b"]);
  assert.deepEqual(client.goaways, [ERROR_CODE.noError, ERROR_CODE.noError]);
});

Deno.test("drain() closes a connection without streams when nothing can be on its way any more", async () => {
  using client = MemoryClient.greeted();
  client.connection.drain();
  client.send(openStream(1), data(1, Buffer.from("a"), true));
  assert.equal(client.bodyOf(1), "a");
  assert.equal(client.isEnded, false);
  await acknowledge(client);
  assert.deepEqual([lastStreams(client), client.isEnded], [[0x7fff_ffff, 1], true]);
});

Deno.test("drain() does not wait for ever for a client that answers no PING", async () => {
  using client = MemoryClient.greeted();
  client.connection.drain();
  await client.advance(PATIENCE.farewellMs - 1);
  assert.equal(client.isEnded, false);
  await client.advance(1);
  assert.deepEqual([lastStreams(client), client.isEnded], [[0x7fff_ffff, 0], true]);
});

Deno.test("a client that answers no PING, and has no call, is not waited for after the goodbye", async () => {
  using client = MemoryClient.greeted();
  client.connection.drain();
  await client.advance(2 * PATIENCE.farewellMs - 1);
  assert.deepEqual([client.isEnded, client.isDestroyed], [true, false]);
  await client.advance(1);
  assert.equal(client.isDestroyed, true);
});

for (const isWhole of [false, true]) {
  Deno.test(`a client that answers no PING has the usual time to take its answer, if that is ${isWhole ? "in the socket" : "to come"}`, async () => {
    using client = MemoryClient.greeted();
    client.heldBytes = isWhole ? 10_000 : 0;
    client.send(openStream(1), data(1, Buffer.from("a"), isWhole));
    client.connection.drain();
    await client.advance(PATIENCE.farewellMs);
    if (!isWhole) client.send(data(1, EMPTY, true));
    assert.deepEqual([client.bodyOf(1), client.isEnded], ["a", true]);
    await client.advance(PATIENCE.stallMs - 1);
    assert.equal(client.isDestroyed, false);
    await client.advance(1);
    assert.equal(client.isDestroyed, true);
  });
}

Deno.test("drain() closes at once what has not begun to speak HTTP/2", () => {
  using client = new MemoryClient();
  client.connection.drain();
  assert.deepEqual([lastStreams(client), client.isEnded], [[0], true]);
});

Deno.test("a goodbye of both sides is in force at once", async () => {
  using client = MemoryClient.greeted();
  client.connection.drain();
  client.send(frame(TYPE.goaway, 0, 0, Buffer.alloc(8)));
  assert.deepEqual([lastStreams(client), client.isEnded], [[0x7fff_ffff, 0], true]);
  await client.advance(PATIENCE.farewellMs);
  assert.equal(client.goaways.length, 2);
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
  await acknowledge(client);
  assert.deepEqual(client.resets.slice(4), [[9, ERROR_CODE.noError]]);
  assert.deepEqual([client.goaways, client.isEnded], [[0, 0], true]);
});

Deno.test("a stream that is answered while its connection drains does not hold it open", async () => {
  const streams: Stream[] = [];
  using client = MemoryClient.greeted({ onRequest: (stream) => streams.push(stream) });
  client.send(openStream(1));
  client.connection.drain();
  await acknowledge(client);
  assert.equal(client.isEnded, false);
  streams.forEach(answerAtOnce);
  await client.advance();
  assert.deepEqual([client.resets, client.isEnded], [[[1, ERROR_CODE.noError]], true]);
});

Deno.test("streams that are reset by either side do not hold a connection open that drains", async () => {
  const streams: Stream[] = [];
  using client = MemoryClient.greeted({ onRequest: (stream) => streams.push(stream) });
  client.send(openStream(1), openStream(3), openStream(5), cancel(3));
  client.connection.drain();
  await acknowledge(client);
  client.send(cancel(1));
  assert.equal(client.isEnded, false);
  streams.at(-1)?.reset(ERROR_CODE.cancel);
  assert.deepEqual([client.resets, client.isEnded], [[[5, ERROR_CODE.cancel]], true]);
});

Deno.test("a client that closes late is not waited for", async () => {
  using client = MemoryClient.greeted();
  client.connection.drain();
  await acknowledge(client);
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
