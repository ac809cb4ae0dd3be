// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { ERROR_CODE } from "../../src/http2/error_code.ts";
import { HpackDecoder } from "../../src/http2/hpack/hpack_decoder.ts";
import type { Stream } from "../../src/http2/stream.ts";
import {
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

Deno.test("every head of a connection may come in parts, and is waited for no more when it has come", async () => {
  using client = MemoryClient.greeted();
  for (let stream = 1; stream < 200; stream += 2) {
    const block = openStream(stream, `/${"a".repeat(stream % 7)}`).subarray(9);
    client.send(frame(TYPE.headers, 0, stream, block.subarray(0, 4)));
    const rest = frame(TYPE.continuation, FLAG.endHeaders, stream, block.subarray(4));
    client.send(rest, data(stream, Buffer.from("a"), true));
    assert.equal(client.bodyOf(stream), "a");
  }
  await client.advance(PATIENCE.handshakeMs);
  assert.deepEqual(client.goaways, []);
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

Deno.test("lost() ends all streams, and nothing is written any more", async () => {
  using client = MemoryClient.greeted();
  client.send(openStream(1), openStream(3));
  client.writes.length = 0;
  client.connection.lost();
  await client.advance();
  assert.deepEqual(client.sink.closed, [[1, ERROR_CODE.cancel], [3, ERROR_CODE.cancel]]);
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

Deno.test("a client that does not acknowledge settings in time is left", async () => {
  using client = new MemoryClient();
  client.send(hello());
  await client.advance(PATIENCE.handshakeMs - 1);
  assert.deepEqual(client.goaways, []);
  await client.advance(1);
  assert.deepEqual(client.goaways, [ERROR_CODE.settingsTimeout]);
});

Deno.test("settings that were acknowledged in time leave no deadline", async () => {
  using client = new MemoryClient();
  client.send(hello(), settingsAck());
  await client.advance(PATIENCE.handshakeMs * 10);
  assert.deepEqual(client.goaways, []);
});
