// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { ERROR_CODE } from "../../src/http2/error_code.ts";
import { NUISANCE_BURST } from "../../src/http2/nuisance_budget.ts";
import { data, field, FLAG, frame, settingsAck, TYPE } from "../net/_support/h2_frames.ts";
import { scaled } from "../_support/levels.ts";
import {
  answer,
  goaway,
  head,
  headers,
  MemoryServer,
  reset,
  settingsOf,
  trailers,
  windowUpdate,
} from "./_support/memory_server.ts";

const EMPTY = Buffer.alloc(0);
const CALM = ERROR_CODE.enhanceYourCalm;

/** All that may be wasted, and what credit is of use. */
const MANY = NUISANCE_BURST + 20;

/** What a hostile server sends again and again, with a request under way on stream 1. */
const FLOODS: readonly (readonly [string, Buffer])[] = [
  ["PING", frame(TYPE.ping, 0, 0, Buffer.alloc(8))],
  ["SETTINGS", settingsOf([[4, 65_535]])],
  ["acknowledgements", settingsAck()],
  ["PRIORITY", frame(2, 0, 1, Buffer.alloc(5))],
  ["frames of unknown types", frame(0xfa, 0, 0, EMPTY)],
  ["empty DATA", data(1, EMPTY)],
  ["informational heads", headers(1, { ":status": "103" })],
  ["GOAWAY", goaway(0x7fff_ffff)],
  ["credit of 0 for a stream that is over", windowUpdate(3, 0)],
  ["resets of a stream that is over", reset(3, ERROR_CODE.cancel)],
  ["answers to no PING", frame(TYPE.ping, FLAG.ack, 0, Buffer.alloc(8))],
  ["credit", windowUpdate(0, 1)],
  ["credit for a stream that is over", windowUpdate(3, 1)],
  ["heads of a stream that is over", head(3)],
  ["trailers of a stream that is over", trailers(3)],
  ["empty DATA of a stream that is over", data(3, EMPTY)],
  ["DATA of a stream that is over", data(3, Buffer.from("a"))],
  ["ends of a stream that is over", data(3, EMPTY, true)],
];

for (const [name, step] of FLOODS) {
  Deno.test(`a flood of ${name} ends its connection after ${NUISANCE_BURST}, in one read or many`, () => {
    for (const perRead of [MANY, 1]) {
      using server = MemoryServer.greeted();
      const asked = server.request();
      server.request();
      server.send(answer(3, ""));
      if (name === "empty DATA") server.send(head(1));
      let taken = 0;
      for (; taken < MANY && server.goaways.length === 0; taken += perRead) {
        server.send(...Array<Buffer>(perRead).fill(step));
      }
      assert(taken >= NUISANCE_BURST - 2, `it was ended after ${taken}`);
      assert.deepEqual([server.goaways, asked.events.at(-1)], [[CALM], "lost"]);
    }
  });
}

for (const end of ["trailers", "an end without a byte"]) {
  Deno.test(`whole answers with ${end} to requests that were cancelled are no flood`, () => {
    using server = MemoryServer.greeted();
    const asked = Array.from({ length: NUISANCE_BURST + 1 }, () => server.request());
    asked.forEach(({ stream }) => stream.cancel());
    for (const { stream: { id } } of asked) {
      if (end === "trailers") server.send(answer(id, "a"));
      else server.send(head(id), data(id, Buffer.from("a")), data(id, EMPTY, true));
    }
    assert.deepEqual(server.goaways, []);
  });
}

Deno.test("of a request that was cancelled one window of its answer is read away for nothing", () => {
  using server = MemoryServer.greeted();
  server.request().stream.cancel();
  const byte = data(1, Buffer.from("a"));
  for (let part = 0; part < 5; part++) server.send(data(1, Buffer.alloc(65_535 / 5)));
  // The settings of the server were one of no use.
  server.send(...Array<Buffer>(NUISANCE_BURST - 1).fill(byte));
  assert.deepEqual(server.goaways, []);
  server.send(byte);
  assert.deepEqual(server.goaways, [CALM]);
});

for (const end of ["trailers", "a body", "a head"] as const) {
  Deno.test(`a frame of no use is forgiven for each answer that ends with ${end}`, () => {
    using server = MemoryServer.greeted();
    const ping = frame(TYPE.ping, 0, 0, Buffer.alloc(8));
    // The settings of the server were one.
    server.send(...Array<Buffer>(NUISANCE_BURST - 2).fill(ping));
    for (let i = 0; i < 10; i++) {
      const { stream: { id }, events } = server.request();
      if (end === "trailers") server.send(ping, answer(id, "a"));
      else if (end === "a head") server.send(ping, head(id, true));
      else server.send(ping, head(id), data(id, Buffer.from("a"), true));
      assert.deepEqual(events, ["head", "end"]);
    }
    assert.deepEqual(server.goaways, []);
    server.send(ping, ping);
    assert.deepEqual(server.goaways, [CALM]);
  });
}

for (const [partBytes, parts] of [[1_000, 33], [0, 64]] as const) {
  Deno.test(`header blocks without an end in parts of ${partBytes} bytes cost the connection`, () => {
    using server = MemoryServer.greeted();
    const asked = server.request();
    server.send(head(1).fill(0, 4, 5));
    const part = frame(TYPE.continuation, 0, 1, Buffer.alloc(partBytes));
    server.send(...Array<Buffer>(parts - 1).fill(part));
    assert.deepEqual([server.goaways, asked.events], [[], []]);
    server.send(part);
    assert.deepEqual([server.goaways, asked.events], [[CALM], ["lost"]]);
  });
}

Deno.test("trailers that unpack to megabytes cost a stream, and little time", () => {
  using server = MemoryServer.greeted();
  const asked = server.request();
  const stored = Buffer.concat([Buffer.from([0x40]), field("x", "a".repeat(126)).subarray(1)]);
  const bomb = Buffer.concat([stored, Buffer.alloc(16_000, 0xbe)]);
  server.send(head(1), frame(TYPE.headers, FLAG.endHeaders | FLAG.endStream, 1, bomb));
  assert.deepEqual([asked.events, server.resets], [["head", "broken"], [[1, CALM]]]);
  assert.deepEqual(server.goaways, []);
});

Deno.test("garbage and other protocols end the connection at once", () => {
  const others = [
    "HTTP/1.1 400 Bad Request\r\n\r\n",
    "\x15\x03\x01\x00\x02\x02\x46 alert",
    "220 mail",
  ];
  for (const text of others) {
    using server = new MemoryServer();
    const asked = server.request();
    server.send(Buffer.from(text.padEnd(40), "latin1"));
    assert.deepEqual([server.goaways.length, asked.events], [1, ["unprocessed"]]);
    assert.deepEqual(server.told.includes("greeted"), false);
  }
  using hasty = new MemoryServer();
  hasty.send(settingsAck());
  assert.deepEqual([hasty.goaways, hasty.told], [[ERROR_CODE.protocolError], ["over"]]);
});

Deno.test("a storm of goodbyes ends each request once, whatever they name", () => {
  using server = MemoryServer.greeted();
  const asked = Array.from({ length: 5 }, () => server.request());
  for (const last of [0x7fff_ffff, 7, 9, 3, 0x7fff_ffff, 1, 0, 9]) server.send(goaway(last));
  assert.deepEqual(asked.map(({ events }) => events), asked.map(() => ["unprocessed"]));
  assert.equal(server.isEnded, true);
});

Deno.test("a window of zero that is held open costs its requests, and nothing is kept of them", async () => {
  using server = MemoryServer.greeted([[4, 0]]);
  const asked = Array.from({ length: 50 }, () => server.request());
  await server.advance(6_000);
  assert(asked.every(({ events }) => events[0] === "broken"));
  assert.equal(server.client.connection.streams, 0);
  server.send(windowUpdate(0, 1_000), settingsOf([[4, 100]]));
  server.request("later");
  server.send(EMPTY);
  assert.equal(server.bodyOf(101), "later");
});

Deno.test("answers in single bytes are whole in the end", () => {
  using server = MemoryServer.greeted();
  const asked = Array.from({ length: scaled(5, 500) }, () => server.request());
  asked.forEach(({ stream }, i) => {
    for (const byte of answer(stream.id, `answer ${i}`)) server.send(Buffer.from([byte]));
  });
  asked.forEach(({ body }, i) => assert.equal(body, `answer ${i}`));
});
