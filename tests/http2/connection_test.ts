// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { ERROR_CODE } from "../../src/http2/error_code.ts";
import { HpackDecoder } from "../../src/http2/hpack/hpack_decoder.ts";
import { encodeBlock } from "../../src/http2/hpack/hpack_encoder.ts";
import type { ByteSpan, Stream } from "../../src/http2/stream.ts";
import {
  cancel,
  data,
  FLAG,
  frame,
  hello,
  openStream,
  settingsAck,
  TYPE,
} from "../net/_support/h2_frames.ts";
import { MemoryClient, PATIENCE } from "./_support/memory_client.ts";

const EMPTY = Buffer.alloc(0);
const CANCEL = ERROR_CODE.cancel;
const WINDOW_UPDATE = 8;

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function windowUpdate(stream: number, bytes: number): Buffer {
  return frame(WINDOW_UPDATE, 0, stream, uint32(bytes));
}

function initialWindow(bytes: number): Buffer {
  return frame(TYPE.settings, 0, 0, Buffer.concat([Buffer.from([0, 4]), uint32(bytes)]));
}

/** A whole request with this body. */
function post(stream: number, body: string): Buffer {
  return Buffer.concat([openStream(stream), data(stream, Buffer.from(body), true)]);
}

Deno.test("a connection begins with its settings, and acknowledges those of the client", async () => {
  using client = new MemoryClient({ streams: 7 });
  await client.advance();
  assert.deepEqual(client.framesOf(TYPE.settings).map(({ payload }) => payload.toString("hex")), [
    "000300000007" + "000600004000",
  ]);
  client.send(hello());
  assert.equal(client.frames.at(-1)?.flags, FLAG.ack);
});

Deno.test("all requests of one read are answered with one write", () => {
  using client = MemoryClient.greeted();
  client.send(post(1, "a"), post(3, "b"), post(5, "c"));
  assert.equal(client.writes.length, 1);
  assert.deepEqual([1, 3, 5].map((stream) => client.bodyOf(stream)), ["a", "b", "c"]);
});

Deno.test("an answer has its head and its trailers, and no block needs a table", () => {
  using client = MemoryClient.greeted();
  client.send(post(1, "a"), post(3, "b"));
  const decoder = new HpackDecoder({ maxListBytes: 1_000 });
  const lists = client.framesOf(TYPE.headers).map(({ payload }) =>
    decoder.decode(payload, 0, payload.length).fields.map(({ name, value }) => `${name}: ${value}`)
  );
  const answer = [[":status: 200", "x-echo: yes"], ["x-end: yes"]];
  assert.deepEqual(lists, [...answer, ...answer]);
  assert.equal(decoder.changes, 1);
});

Deno.test("one byte at a time is a request too", () => {
  using client = MemoryClient.greeted();
  for (const byte of post(1, "slow")) client.send(new Uint8Array([byte]));
  assert.equal(client.bodyOf(1), "slow");
});

Deno.test("a head in many frames, with padding and priority, is a head", () => {
  using client = MemoryClient.greeted();
  const block = openStream(1).subarray(9);
  const first = Buffer.concat([
    Buffer.from([3, 0, 0, 0, 0, 9]),
    block.subarray(0, 4),
    Buffer.alloc(3),
  ]);
  client.send(
    frame(TYPE.headers, FLAG.endStream | 0x8 | 0x20, 1, first),
    frame(TYPE.continuation, 0, 1, EMPTY),
    frame(TYPE.continuation, FLAG.endHeaders, 1, block.subarray(4)),
  );
  assert.equal(client.bodyOf(1), "hello");
});

Deno.test("an equal head is read once, whatever the table does", () => {
  const heads: Stream["head"][] = [];
  using client = MemoryClient.greeted({
    streams: 100,
    onRequest: (stream) => void heads.push(stream.head),
  });
  client.send(openStream(1), openStream(3));
  assert.equal(heads[0], heads[1]);
  const indexed = Buffer.concat([openStream(5).subarray(9), Buffer.from("4001610161", "hex")]);
  client.send(frame(TYPE.headers, FLAG.endHeaders, 5, indexed), openStream(7), openStream(9));
  assert.deepEqual(heads[2]?.fields.at(-1), { name: "a", value: "a" });
  assert.equal(heads[3], heads[0]);
  assert.equal(heads[4], heads[0]);
});

Deno.test("PING is answered with its bytes, and frames of unknown types are passed over", () => {
  using client = MemoryClient.greeted();
  const bytes = Buffer.from("12345678");
  client.send(frame(TYPE.ping, 0, 0, bytes), frame(0xaa, 0xff, 1, bytes));
  assert.deepEqual(client.frames.map(({ type, flags }) => [type, flags]), [[TYPE.ping, FLAG.ack]]);
  assert.deepEqual(client.frames[0]?.payload, bytes);
});

Deno.test("ping() tells when the client has answered this very PING", async () => {
  using client = MemoryClient.greeted();
  const acks: string[] = [];
  client.connection.ping(() => acks.push("first"));
  client.connection.ping(() => acks.push("second"));
  await client.advance();
  const [first, second] = client.framesOf(TYPE.ping).map(({ payload }) => payload);
  client.send(frame(TYPE.ping, FLAG.ack, 0, Buffer.alloc(8)));
  client.send(frame(TYPE.ping, FLAG.ack, 0, second ?? EMPTY));
  assert.deepEqual(acks, ["second"]);
  client.send(
    frame(TYPE.ping, FLAG.ack, 0, first ?? EMPTY),
    frame(TYPE.ping, FLAG.ack, 0, first ?? EMPTY),
  );
  assert.deepEqual(acks, ["second", "first"]);
});

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
  assert.deepEqual(client.framesOf(WINDOW_UPDATE), []);
  client.send(padded);
  const credits = () =>
    client.framesOf(WINDOW_UPDATE).map(({ stream, payload }) => [stream, payload.readUInt32BE()]);
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

Deno.test("lost() ends all streams, and nothing is written any more", async () => {
  using client = MemoryClient.greeted();
  client.send(openStream(1), openStream(3));
  client.writes.length = 0;
  client.connection.lost();
  await client.advance();
  assert.deepEqual(client.sink.closed, [[1, CANCEL], [3, CANCEL]]);
  assert.deepEqual(client.writes, []);
  assert.equal(client.clock.sleeping <= 2, true);
});

Deno.test("a fault of this side ends the connection with INTERNAL_ERROR and is told", () => {
  const fault = new Error("a bug");
  using client = MemoryClient.greeted({
    onRequest: () => {
      throw fault;
    },
  });
  client.send(openStream(1));
  assert.deepEqual(client.goaways, [ERROR_CODE.internalError]);
  assert.deepEqual(client.faults, [fault]);
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

Deno.test("a client that does not acknowledge settings in time is left", async () => {
  using client = new MemoryClient();
  client.send(hello());
  await client.advance(PATIENCE.handshakeMs - 1);
  assert.deepEqual(client.goaways, []);
  await client.advance(1);
  assert.deepEqual(client.goaways, [ERROR_CODE.settingsTimeout]);
});

Deno.test("a client that closes late is not waited for", async () => {
  using client = MemoryClient.greeted();
  client.connection.drain();
  await client.advance(PATIENCE.stallMs - 1);
  assert.equal(client.isDestroyed, false);
  await client.advance(1);
  assert.equal(client.isDestroyed, true);
});

Deno.test("settings that were acknowledged in time leave no deadline", async () => {
  using client = new MemoryClient();
  client.send(hello(), settingsAck());
  await client.advance(PATIENCE.handshakeMs * 10);
  assert.deepEqual(client.goaways, []);
});

function keepBody(stream: Stream): void {
  stream.sink = { onData() {}, onEnd() {}, onWritable() {}, onClosed() {} };
}

function answerAtOnce(stream: Stream): void {
  keepBody(stream);
  stream.respond(new Uint8Array([0x88]), true);
}

function sendMuch(stream: Stream): void {
  stream.respond(new Uint8Array([0x88]), false);
  stream.send(new Uint8Array(150_000), true);
}
