// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { ERROR_CODE } from "../../src/http2/error_code.ts";
import { DEFAULT_WINDOW_BYTES } from "../../src/http2/settings.ts";
import { data, FLAG, frame, TYPE } from "../net/_support/h2_frames.ts";
import {
  answer,
  head,
  MemoryServer,
  settingsOf,
  trailers,
  windowUpdate,
} from "./_support/memory_server.ts";

const EMPTY = Buffer.alloc(0);
const INITIAL_WINDOW = 4;

function endOf(server: MemoryServer): number | undefined {
  return server.frames.filter(({ type }) => type === TYPE.data || type === TYPE.headers)
    .findIndex(({ flags }) => (flags & FLAG.endStream) !== 0);
}

Deno.test("a request that stays open has no end until it is finished, and its answer goes on", async () => {
  using server = MemoryServer.greeted();
  const asked = server.ask("abc", { isOpen: true });
  server.send(head(1), data(1, Buffer.from("x")));
  assert.equal(endOf(server), -1);
  asked.stream.finish();
  asked.stream.finish();
  await server.advance();
  const parts = server.framesOf(TYPE.data).map(({ flags, payload }) => [flags, `${payload}`]);
  assert.deepEqual(parts, [[0, "abc"], [FLAG.endStream, ""]]);
  server.send(data(1, Buffer.from("y")), trailers(1));
  assert.deepEqual([asked.events, asked.body, server.resets], [["head", "end"], "xy", []]);
});

Deno.test("a request that is finished before its body is sent ends with its body", () => {
  using server = MemoryServer.greeted([[INITIAL_WINDOW, 2]]);
  const asked = server.ask("abc", { isOpen: true });
  server.send(EMPTY);
  asked.stream.finish();
  server.send(windowUpdate(1, 9));
  const parts = server.framesOf(TYPE.data).map(({ flags, payload }) => [flags, `${payload}`]);
  assert.deepEqual(parts, [[0, "ab"], [FLAG.endStream, "c"]]);
});

Deno.test("a request that is finished before the server has said hello ends with its body, or its head", () => {
  for (const body of ["abc", ""]) {
    using server = new MemoryServer();
    server.ask(body, { isOpen: true }).stream.finish();
    server.send(settingsOf([]));
    const frames = server.frames.filter(({ stream }) => stream === 1);
    assert.deepEqual(frames.map(({ flags }) => flags & FLAG.endStream), body === "" ? [1] : [0, 1]);
  }
});

Deno.test("the end of a request needs no window", async () => {
  using server = MemoryServer.greeted([[INITIAL_WINDOW, 3]]);
  const asked = server.ask("abc", { isOpen: true });
  server.send(settingsOf([[INITIAL_WINDOW, 0]]));
  asked.stream.finish();
  await server.advance();
  assert.equal(server.framesOf(TYPE.data).at(-1)?.flags, FLAG.endStream);
});

Deno.test("a request that is open when its answer is whole is taken back", () => {
  using server = MemoryServer.greeted();
  const asked = server.ask("abc", { isOpen: true });
  server.send(answer(1, "x"));
  asked.stream.finish();
  assert.deepEqual([asked.events, server.resets], [["head", "end"], [[1, ERROR_CODE.cancel]]]);
  assert.equal(server.client.connection.streams, 0);
});

Deno.test("of an answer that is paced the server gets credit for what was consumed, and the connection for all", async () => {
  using server = MemoryServer.greeted();
  const asked = server.ask("", { isPaced: true });
  server.send(head(1));
  for (let i = 0; i < 4; i++) server.send(data(1, Buffer.alloc(16_000)));
  assert.equal(server.creditOf(1), 0);
  assert(server.creditOf(0) > 64_000 - DEFAULT_WINDOW_BYTES / 2);
  asked.stream.consume(64_000);
  await server.advance();
  assert.equal(server.creditOf(1), 64_000);
  for (let i = 0; i < 4; i++) server.send(data(1, Buffer.alloc(16_000)));
  assert.deepEqual(server.resets, []);
  server.send(data(1, Buffer.alloc(16_000)));
  assert.deepEqual(server.resets, [[1, ERROR_CODE.flowControlError]]);
  asked.stream.consume(64_000);
  await server.advance();
  assert.equal(server.creditOf(1), 64_000);
});

Deno.test("of an answer that is paced the padding is given back at once", () => {
  using server = MemoryServer.greeted();
  server.ask("", { isPaced: true });
  const padding = 200;
  const padded = Buffer.concat([Buffer.from([padding, 1]), Buffer.alloc(padding)]);
  server.send(head(1));
  for (let i = 0; i < 200; i++) server.send(frame(TYPE.data, 8, 1, padded));
  assert(server.creditOf(1) >= 32_768, `${server.creditOf(1)}`);
  assert(server.creditOf(1) <= 200 * (padding + 1));
});
