// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { ERROR_CODE } from "../../src/http2/error_code.ts";
import { NUISANCE_BURST, NUISANCE_PER_SECOND } from "../../src/http2/nuisance_budget.ts";
import { CONGESTED_BYTES } from "../../src/http2/output.ts";
import type { Stream } from "../../src/http2/stream.ts";
import {
  cancel,
  data,
  field,
  FLAG,
  frame,
  initialWindow,
  openStream,
  settingsAck,
  TYPE,
  windowUpdate,
} from "../net/_support/h2_frames.ts";
import { LaneRig } from "../net/fast_lane/_support/lane_rig.ts";
import { MemoryClient, PATIENCE } from "./_support/memory_client.ts";

const EMPTY = Buffer.alloc(0);
const GET_TS = "/tsoracle.v1.TsoService/GetTs";
const CALM = ERROR_CODE.enhanceYourCalm;

/** A whole request, whose answer waits for credit. */
function ask(i: number): Buffer {
  const request = openStream(2 * i + 1);
  request[4] = FLAG.endHeaders | FLAG.endStream;
  return Buffer.concat([i === 0 ? initialWindow(0) : EMPTY, request]);
}

/** The i-th step of a client that has said goodbye while a stream is open. */
function leaving(i: number, step: Buffer): Buffer {
  const goodbye = frame(TYPE.goaway, 0, 0, Buffer.alloc(8));
  return i === 0 ? Buffer.concat([openStream(1), goodbye, step]) : step;
}

/** What a hostile client sends as its i-th step. */
const FLOODS: readonly (readonly [string, (i: number) => Buffer])[] = [
  ["PING", () => frame(TYPE.ping, 0, 0, Buffer.alloc(8))],
  ["SETTINGS", () => initialWindow(65_535)],
  ["acknowledgements", () => settingsAck()],
  ["answers to no PING", () => frame(TYPE.ping, FLAG.ack, 0, Buffer.alloc(8))],
  ["credit for nothing", () => windowUpdate(0, 1)],
  ["credit for a stream", (i) => Buffer.concat([i ? EMPTY : openStream(1), windowUpdate(1, 1)])],
  [
    "credit of 0 for a stream that is over",
    (i) => Buffer.concat([i ? EMPTY : openStream(1), i ? EMPTY : cancel(1), windowUpdate(1, 0)]),
  ],
  [
    "credit after the last number that a stream can have",
    (i) => Buffer.concat([i ? EMPTY : openStream(0x7fff_ffff), windowUpdate(0, 1)]),
  ],
  ["streams after its goodbye", (i) => leaving(i, openStream(2 * i + 3))],
  ["bodies after its goodbye", (i) => leaving(i, data(3, Buffer.from("a")))],
  ["resets after its goodbye", (i) => leaving(i, cancel(3))],
  ["credit of 0 after its goodbye", (i) => leaving(i, windowUpdate(3, 0))],
  ["PRIORITY", () => frame(2, 0, 1, Buffer.alloc(5))],
  ["frames of unknown types", () => frame(0xfa, 0, 0, EMPTY)],
  ["empty DATA", (i) => Buffer.concat([i === 0 ? openStream(1) : EMPTY, data(1, EMPTY)])],
  ["streams that it resets", (i) => Buffer.concat([openStream(2 * i + 1), cancel(2 * i + 1)])],
  ["whole requests that it resets", (i) => Buffer.concat([ask(i), cancel(2 * i + 1)])],
  [
    "whole requests that have to be reset",
    (i) => Buffer.concat([ask(i), windowUpdate(2 * i + 1, 0)]),
  ],
  [
    "streams that have to be reset",
    (i) => Buffer.concat([openStream(2 * i + 1), windowUpdate(2 * i + 1, 0)]),
  ],
  ["heads that are malformed", (i) => openStream(2 * i + 1, "/", [["connection", "x"]])],
  ["GOAWAY", (i) => Buffer.concat([i ? EMPTY : openStream(1), frame(7, 0, 0, Buffer.alloc(8))])],
];

for (const [name, step] of FLOODS) {
  Deno.test(`a flood of ${name} ends its connection after ${NUISANCE_BURST}, in one read or many`, () => {
    const steps = Array.from({ length: NUISANCE_BURST + 10 }, (_, i) => step(i));
    using quick = MemoryClient.greeted();
    quick.send(...steps);
    assert.deepEqual(quick.goaways.filter((code) => code !== 0), [CALM]);
    using slow = MemoryClient.greeted();
    let taken = 0;
    for (; taken < steps.length && !slow.connection.isOver; taken++) {
      slow.send(steps[taken] ?? EMPTY);
    }
    assert(taken >= NUISANCE_BURST - 2, `it was ended after ${taken}`);
    assert.deepEqual(slow.goaways.filter((code) => code !== 0), [CALM]);
  });
}

Deno.test("frames of no use are forgiven at their rate, and for each request", async () => {
  using client = MemoryClient.greeted();
  const ping = frame(TYPE.ping, 0, 0, Buffer.alloc(8));
  client.send(...Array<Buffer>(NUISANCE_BURST - 1).fill(ping));
  await client.advance(1_000);
  client.send(...Array<Buffer>(NUISANCE_PER_SECOND).fill(ping));
  for (let stream = 1; stream < 5_000; stream += 2) {
    client.send(openStream(stream), data(stream, EMPTY, true), ping);
  }
  assert.deepEqual(client.goaways, []);
});

Deno.test("credit for each answer, for its stream and for the connection, is of use", () => {
  using rig = new LaneRig();
  const fast: [string, string][] = [["content-type", "application/grpc"]];
  const question = Buffer.from("00000000020801", "hex");
  for (let i = 0; i < 2 * NUISANCE_BURST; i++) {
    const id = 2 * i + 1;
    rig.client.send(openStream(id, GET_TS, fast), data(id, question, true));
    rig.client.send(windowUpdate(id, 14), windowUpdate(0, 14));
  }
  assert.deepEqual([rig.client.goaways, rig.lane.answered], [[], 2 * NUISANCE_BURST]);
});

Deno.test("credit that comes ahead of an answer is of use, also if that has no body then", () => {
  const onRequest = (stream: Stream) => stream.respond(new Uint8Array([0x88]), true);
  using client = MemoryClient.greeted({ onRequest });
  for (let stream = 1; stream < 5_000; stream += 2) {
    const credit = [windowUpdate(stream, 5), windowUpdate(0, 5), windowUpdate(stream, 5)];
    client.send(openStream(stream), ...credit, data(stream, EMPTY, true));
  }
  assert.deepEqual(client.goaways, []);
});

Deno.test("a header block without an end costs the connection once it is too large", () => {
  using client = MemoryClient.greeted();
  client.send(openStream(1).fill(0, 4, 5));
  const part = frame(TYPE.continuation, 0, 1, Buffer.alloc(1_000));
  for (let i = 0; i < 31; i++) client.send(part);
  assert.deepEqual(client.goaways, []);
  for (let i = 0; i < 2; i++) client.send(part);
  assert.deepEqual(client.goaways, [CALM]);
});

Deno.test("a header block in too many frames costs the connection", () => {
  using client = MemoryClient.greeted();
  client.send(openStream(1).fill(0, 4, 5));
  client.send(...Array<Buffer>(64).fill(frame(TYPE.continuation, 0, 1, EMPTY)));
  assert.deepEqual(client.goaways, [CALM]);
});

Deno.test("a header block that does not come to its end costs the connection", async () => {
  using client = MemoryClient.greeted();
  client.send(openStream(1).fill(0, 4, 5));
  await client.advance(PATIENCE.handshakeMs);
  assert.deepEqual(client.goaways, [CALM]);
});

Deno.test("a header block that unpacks to megabytes costs a stream, and little time", () => {
  using client = MemoryClient.greeted();
  const block = openStream(1).subarray(9);
  const stored = Buffer.concat([Buffer.from([0x40]), field("x", "a".repeat(126)).subarray(1)]);
  const bomb = Buffer.concat([block, stored, Buffer.alloc(16_000, 0xbe)]);
  client.send(frame(TYPE.headers, FLAG.endHeaders, 1, bomb));
  assert.deepEqual(client.resets, [[1, CALM]]);
  assert.deepEqual(client.goaways, []);
});

Deno.test("a body that is not taken in time costs its stream, however others are taken", async () => {
  using client = MemoryClient.greeted();
  client.send(initialWindow(0), openStream(1), data(1, Buffer.from("never"), true));
  await client.advance(PATIENCE.stallMs - 1);
  client.send(openStream(3), data(3, Buffer.from("later"), true), windowUpdate(3, 4));
  assert.deepEqual(client.resets, []);
  await client.advance(1);
  assert.deepEqual(client.resets, [[1, ERROR_CODE.cancel]]);
  await client.advance(PATIENCE.stallMs);
  assert.deepEqual(client.resets[1], [3, ERROR_CODE.cancel]);
});

Deno.test("a body that is taken a byte at a time costs its stream", async () => {
  using client = MemoryClient.greeted();
  client.send(initialWindow(0), openStream(1), data(1, Buffer.alloc(100), true));
  for (let ms = 0; ms < PATIENCE.stallMs; ms += PATIENCE.stallMs / 10) {
    client.send(windowUpdate(1, 1));
    await client.advance(PATIENCE.stallMs / 10);
  }
  assert.deepEqual(client.resets, [[1, ERROR_CODE.cancel]]);
  assert.equal(client.bodyOf(1).length, 10);
});

Deno.test("nothing is received from a client that takes nothing, until it does", async () => {
  using client = MemoryClient.greeted();
  client.send(openStream(1));
  client.heldBytes = CONGESTED_BYTES + 1;
  client.send(data(1, Buffer.from("a")));
  assert.equal(client.isPaused, true);
  client.send(data(1, Buffer.from("b"), true));
  assert.equal(client.bodyOf(1), "a");
  client.heldBytes = 0;
  client.connection.drained();
  await client.advance(PATIENCE.stallMs);
  assert.equal(client.isPaused, false);
  assert.equal(client.bodyOf(1), "ab");
  assert.equal(client.isDestroyed, false);
});

Deno.test("a client that takes nothing in time is left", async () => {
  using client = MemoryClient.greeted();
  client.heldBytes = CONGESTED_BYTES + 1;
  client.send(openStream(1));
  await client.advance(PATIENCE.stallMs);
  assert.equal(client.isDestroyed, true);
  assert.deepEqual(client.sink.closed, [[1, ERROR_CODE.cancel]]);
});

Deno.test("a stream that is reset while its body waits leaves nothing behind", async () => {
  const streams: Stream[] = [];
  using client = MemoryClient.greeted({
    onRequest: (stream) => {
      streams.push(stream);
      stream.respond(new Uint8Array([0x88]), false);
      stream.send(new Uint8Array(100_000), true);
    },
  });
  client.send(openStream(1), cancel(1), windowUpdate(0, 100_000));
  await client.advance(PATIENCE.stallMs);
  assert.equal(client.connection.streams, 0);
  assert.equal(streams[0]?.isWaiting, false);
  assert.deepEqual(client.resets, []);
});
