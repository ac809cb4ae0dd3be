// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { ERROR_CODE } from "../../src/http2/error_code.ts";
import { data, field, FLAG, frame, PREFACE, settingsAck, TYPE } from "../net/_support/h2_frames.ts";
import {
  answer,
  goaway,
  head,
  headers,
  MemoryServer,
  PATIENCE,
  reset,
  settingsOf,
  trailers,
  windowUpdate,
} from "./_support/memory_server.ts";

const { cancel, protocolError, refusedStream, flowControlError } = ERROR_CODE;
const EMPTY = Buffer.alloc(0);
const ENABLE_PUSH = 2;
const MAX_STREAMS = 3;
const INITIAL_WINDOW = 4;

Deno.test("a client begins with its preface and its settings, and refuses pushed streams", async () => {
  using server = new MemoryServer();
  await server.advance();
  assert.equal(server.received.subarray(0, PREFACE.length).toString(), PREFACE.toString());
  assert.deepEqual(server.framesOf(TYPE.settings).map(({ payload }) => payload.toString("hex")), [
    "000200000000" + "000600004000",
  ]);
});

Deno.test("a client sends no request before the server has said hello", async () => {
  using server = new MemoryServer();
  server.request();
  await server.advance();
  assert.deepEqual(server.heads, []);
  server.send(settingsOf([]));
  assert.deepEqual(server.told, ["busy", "greeted"]);
  assert.equal(server.heads.length, 1);
  assert.equal(server.bodyOf(1), "question");
});

Deno.test("all requests of a turn go out with one write, on streams of their own", async () => {
  using server = MemoryServer.greeted();
  await server.advance();
  server.writes.length = 1;
  const asked = ["a", "b", "c"].map((body) => server.request(body, "2000m"));
  await server.advance();
  assert.equal(server.writes.length, 2);
  assert.deepEqual([1, 3, 5].map((stream) => server.bodyOf(stream)), ["a", "b", "c"]);
  server.send(answer(5, "C"), answer(1, "A"), answer(3, "B"));
  assert.deepEqual(asked.map(({ body }) => body), ["A", "B", "C"]);
  assert.deepEqual(server.told, ["greeted", "busy", "idle"]);
});

Deno.test("the head of a request is a few bytes once it was sent before, and still means the same", async () => {
  using server = MemoryServer.greeted();
  const timeouts = ["2000m", "2000m", "1999m", "2000m"];
  timeouts.forEach((timeout) => server.request("", timeout));
  await server.advance();
  const sizes = server.framesOf(TYPE.headers).map(({ payload }) => payload.length);
  assert.deepEqual(sizes.map((size) => size <= 16), [false, true, true, true]);
  server.heads.forEach(([, fields], i) => {
    assert.deepEqual(fields, {
      ":method": "POST",
      ":scheme": "http",
      ":authority": "oracle.example:50551",
      ":path": "/a.B/C",
      "content-type": "application/grpc+proto",
      "te": "trailers",
      "grpc-timeout": timeouts[i],
    });
  });
});

Deno.test("an answer has its head, its body and its trailers", () => {
  using server = MemoryServer.greeted();
  const asked = server.request();
  server.send(headers(1, { ":status": "103" }), answer(1, "hello"));
  assert.deepEqual(asked.events, ["head", "end"]);
  assert.equal(asked.head?.status, 200);
  assert.equal(asked.body, "hello");
  assert.deepEqual(asked.trailers, [{ name: "grpc-status", value: "0" }]);
});

Deno.test("an answer may end with its head, or with its body", () => {
  using server = MemoryServer.greeted();
  const [first, second] = [server.request(), server.request()];
  server.send(head(1, true), head(3), data(3, Buffer.from("b"), true));
  assert.deepEqual(first.events, ["head", "end"]);
  assert.deepEqual([second.events, second.body], [["head", "end"], "b"]);
});

Deno.test("a request waits while the server takes no more streams", async () => {
  using server = MemoryServer.greeted([[MAX_STREAMS, 2]]);
  const asked = ["a", "b", "c", "d"].map((body) => server.request(body));
  await server.advance();
  assert.deepEqual(server.heads.map(([stream]) => stream), [1, 3]);
  asked[2]?.stream.cancel();
  server.send(answer(3, "B"));
  assert.deepEqual(server.heads.map(([stream]) => stream), [1, 3, 5]);
  assert.equal(server.bodyOf(5), "d");
  asked.push(server.request("e"));
  server.send(settingsOf([[MAX_STREAMS, 3]]));
  assert.equal(server.bodyOf(7), "e");
});

Deno.test("a body waits for the windows of its stream and of the connection", () => {
  using server = MemoryServer.greeted([[INITIAL_WINDOW, 3]]);
  server.request("abcdef");
  server.send(EMPTY);
  assert.equal(server.bodyOf(1), "abc");
  server.send(windowUpdate(1, 2));
  assert.equal(server.bodyOf(1), "abcde");
  server.send(settingsOf([[INITIAL_WINDOW, 4]]));
  assert.equal(server.bodyOf(1), "abcdef");
  assert.equal(server.framesOf(TYPE.data).at(-1)?.flags, FLAG.endStream);
  server.send(settingsOf([[INITIAL_WINDOW, 100_000]]));
  server.request("x".repeat(70_000));
  server.send(EMPTY);
  assert.equal(server.bodyOf(3).length, 65_535 - 6);
  server.send(windowUpdate(0, 100_000));
  assert.equal(server.bodyOf(3).length, 70_000);
});

Deno.test("credit goes back for what was received, also of streams that are over", () => {
  using server = MemoryServer.greeted();
  const asked = server.request();
  server.send(head(1));
  const part = data(1, Buffer.alloc(16_000));
  for (let i = 0; i < 20; i++) server.send(part);
  asked.stream.cancel();
  for (let i = 0; i < 20; i++) server.send(part);
  assert.equal(asked.body.length, 320_000);
  const credit = server.framesOf(8).filter(({ stream }) => stream === 0)
    .reduce((sum, { payload }) => sum + payload.readUInt32BE(), 0);
  assert(credit > 640_000 - 65_535, `${credit}`);
  assert.deepEqual(server.goaways, []);
});

Deno.test("a request that nobody wants is cancelled, and what still comes of it means nothing", () => {
  using server = MemoryServer.greeted();
  const [first, second] = [server.request(), server.request()];
  first.stream.cancel();
  first.stream.cancel();
  server.send(answer(1, "late"), windowUpdate(1, 5), answer(3, "b"), reset(1, cancel));
  assert.deepEqual(server.resets, [[1, cancel]]);
  assert.deepEqual(first.events, []);
  assert.equal(second.body, "b");
  assert.deepEqual(server.goaways, []);
});

Deno.test("a stream that is reset fails, and one that is refused was not processed", () => {
  using server = MemoryServer.greeted();
  const [first, second] = [server.request(), server.request()];
  server.send(head(1), reset(1, protocolError), reset(3, refusedStream));
  assert.deepEqual(first.events, ["head", "reset"]);
  assert.equal(first.failure?.code, protocolError);
  assert.deepEqual(second.events, ["unprocessed"]);
});

for (
  const [how, refusal] of [["reset", reset(1, refusedStream)], ["goodbye", goaway(0)]] as const
) {
  Deno.test(`a request whose answer has begun was processed, whatever a ${how} says then`, () => {
    using server = MemoryServer.greeted();
    const [asked, other] = [server.request(), server.request()];
    server.send(headers(1, { ":status": "103" }), head(1), refusal, reset(3, refusedStream));
    assert.deepEqual(asked.events, ["head", "broken"]);
    assert.deepEqual(other.events, ["unprocessed"]);
  });
}

Deno.test("after a goodbye the streams above it were not processed, and the others come to their end", () => {
  using server = MemoryServer.greeted([[MAX_STREAMS, 2]]);
  const [first, second, third] = [server.request(), server.request(), server.request()];
  server.send(goaway(0x7fff_ffff));
  assert.equal(server.client.canRequest, false);
  assert.deepEqual([first, second, third].map(({ events }) => events), [[], [], ["unprocessed"]]);
  server.send(goaway(1));
  assert.deepEqual(second.events, ["unprocessed"]);
  assert.deepEqual(server.request().events, ["unprocessed"]);
  assert.equal(server.isEnded, false);
  server.send(answer(1, "a"));
  assert.equal(first.body, "a");
  assert.deepEqual([server.isEnded, server.goaways], [true, []]);
});

Deno.test("after a goodbye no request begins that has waited for its turn", async () => {
  using server = MemoryServer.greeted([[MAX_STREAMS, 1]]);
  const asked = [server.request("a"), server.request("b")];
  server.send(goaway(0));
  await server.advance();
  assert.deepEqual(asked.map(({ events }) => events), [["unprocessed"], ["unprocessed"]]);
  assert.equal(server.heads.length, 1);
  assert(server.isEnded);
});

Deno.test("after a goodbye on an idle connection it ends at once", () => {
  using server = MemoryServer.greeted();
  server.send(goaway(0));
  assert.deepEqual([server.isEnded, server.goaways], [true, [0]]);
  assert.deepEqual(server.told, ["greeted", "over"]);
});

Deno.test("requests on a connection that is lost fail; those that were not sent were not processed", () => {
  using server = MemoryServer.greeted([[MAX_STREAMS, 1]]);
  const [first, second] = [server.request(), server.request()];
  server.send(head(1));
  server.client.connection.lost();
  assert.deepEqual(first.events, ["head", "lost"]);
  assert.deepEqual(second.events, ["unprocessed"]);
  assert.deepEqual(server.told, ["greeted", "busy", "over", "idle"]);
  assert.deepEqual(server.faults, []);
});

Deno.test("numbers of streams come to their end: what waits then was not processed", () => {
  using server = new MemoryServer(0x7fff_fffd);
  server.send(settingsOf([[MAX_STREAMS, 2]]));
  const asked = Array.from({ length: 3 }, () => server.request());
  assert.deepEqual(asked.map(({ events }) => events), [[], [], ["unprocessed"]]);
  assert.equal(server.client.canRequest, false);
  server.send(answer(0x7fff_fffd, "a"), answer(0x7fff_ffff, "b"));
  assert.deepEqual(asked.map(({ body }) => body), ["a", "b", ""]);
});

Deno.test("an answer that is whole before its request is stops the request", () => {
  using server = MemoryServer.greeted([[INITIAL_WINDOW, 1]]);
  const asked = server.request("long");
  server.send(answer(1, "no"));
  assert.deepEqual([asked.events, server.resets], [["head", "end"], [[1, cancel]]]);
});

Deno.test("a request that the server does not take in time fails", async () => {
  using server = MemoryServer.greeted([[INITIAL_WINDOW, 0]]);
  const asked = server.request();
  await server.advance(PATIENCE.stallMs);
  assert.deepEqual([asked.events, server.resets], [["broken"], [[1, cancel]]]);
});

Deno.test("settings that are not acknowledged, and a header block without an end, end the connection", async () => {
  using silent = new MemoryServer();
  silent.send(settingsOf([]));
  await silent.advance(PATIENCE.handshakeMs);
  assert.deepEqual(silent.goaways, [ERROR_CODE.settingsTimeout]);
  using slow = MemoryServer.greeted();
  const asked = slow.request();
  slow.send(head(1).fill(0, 4, 5));
  await slow.advance(PATIENCE.handshakeMs);
  assert.deepEqual([slow.goaways, asked.events], [[ERROR_CODE.enhanceYourCalm], ["lost"]]);
});

Deno.test("a block may come in parts, and nothing else between them", () => {
  using server = MemoryServer.greeted();
  const asked = server.request();
  const block = head(1).subarray(9);
  const first = frame(TYPE.headers, FLAG.endStream, 1, block.subarray(0, 3));
  server.send(first, frame(TYPE.continuation, FLAG.endHeaders, 1, block.subarray(3)));
  assert.deepEqual(asked.events, ["head", "end"]);
  server.request();
  server.send(frame(TYPE.headers, 0, 3, block), settingsAck());
  assert.deepEqual(server.goaways, [protocolError]);
});

/** Answers that break a rule for their stream, each with the code of the reset. */
const BROKEN: readonly (readonly [string, number, readonly Buffer[]])[] = [
  ["a body without a head", protocolError, [data(1, Buffer.from("a"))]],
  ["trailers without a head", protocolError, [trailers(1)]],
  ["trailers that are not the end", protocolError, [head(1), headers(1, { "grpc-status": "0" })]],
  ["a second head", protocolError, [head(1), head(1, true)]],
  ["an informational head that is the end", protocolError, [
    headers(1, { ":status": "100" }, true),
  ]],
  ["a status that is none", protocolError, [headers(1, { ":status": "20" })]],
  ["a pseudo-header of requests", protocolError, [headers(1, { ":status": "200", ":path": "/" })]],
  ["a field in capitals", protocolError, [headers(1, { ":status": "200", "X-a": "b" })]],
  ["a field of HTTP/1.1", protocolError, [headers(1, { ":status": "200", "connection": "x" })]],
  [
    "a pseudo-header among trailers",
    protocolError,
    [head(1), headers(1, { "grpc-status": "0", ":status": "200" }, true)],
  ],
  [
    "a body of another length than announced",
    protocolError,
    [headers(1, { ":status": "200", "content-length": "3" }), data(1, Buffer.from("ab"), true)],
  ],
  ["a window of 0 more", protocolError, [windowUpdate(1, 0)]],
  ["a window that is too large", flowControlError, [windowUpdate(1, 0x7fff_ffff)]],
  [
    "fields that are too large",
    ERROR_CODE.enhanceYourCalm,
    [frame(
      TYPE.headers,
      FLAG.endHeaders,
      1,
      Buffer.concat(
        [Buffer.from([0x88]), ...Array<Buffer>(110).fill(field("x", "y".repeat(126)))],
      ),
    )],
  ],
];

for (const [what, code, parts] of BROKEN) {
  Deno.test(`an answer with ${what} costs its stream, and no other`, () => {
    using server = MemoryServer.greeted();
    const [asked, other] = [server.request(), server.request()];
    server.send(...parts, answer(3, "b"));
    assert.equal(asked.events.at(-1), "broken");
    assert.deepEqual(server.resets, [[1, code]]);
    assert.equal(other.body, "b");
  });
}

/** What ends the whole connection, each with the code of the goodbye. */
const FATAL: readonly (readonly [string, number, readonly Buffer[]])[] = [
  ["a pushed stream", protocolError, [frame(5, FLAG.endHeaders, 1, Buffer.from([0, 0, 0, 2]))]],
  ["an answer to a stream that is not open yet", protocolError, [head(3)]],
  ["an answer on an even stream", protocolError, [head(2)]],
  ["a body for a stream that is not open yet", protocolError, [data(5, EMPTY)]],
  ["a reset of a stream that is not open yet", protocolError, [reset(3, cancel)]],
  ["a window for a stream that is not open yet", protocolError, [windowUpdate(3, 1)]],
  ["a continuation of nothing", protocolError, [
    frame(TYPE.continuation, FLAG.endHeaders, 1, EMPTY),
  ]],
  ["a server that wants to push", protocolError, [settingsOf([[ENABLE_PUSH, 1]])]],
  ["settings out of range", flowControlError, [settingsOf([[INITIAL_WINDOW, 0xffff_ffff]])]],
  ["a window of the connection that is too large", flowControlError, [
    windowUpdate(0, 0x7fff_ffff),
  ]],
  ["a frame that is too large", ERROR_CODE.frameSizeError, [data(1, Buffer.alloc(16_385))]],
  [
    "an index that no table has",
    ERROR_CODE.compressionError,
    [frame(TYPE.headers, FLAG.endHeaders, 1, Buffer.from([0xff, 0x7f]))],
  ],
];

for (const [what, code, parts] of FATAL) {
  Deno.test(`${what} ends the connection`, () => {
    using server = MemoryServer.greeted();
    const asked = server.request();
    server.send(...parts);
    assert.deepEqual([server.goaways, asked.events], [[code], ["lost"]]);
    assert.deepEqual([server.isEnded, server.faults], [true, []]);
  });
}
