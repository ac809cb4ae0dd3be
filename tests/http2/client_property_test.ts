// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import {
  data,
  FLAG,
  frame,
  framesOf,
  PREFACE,
  settingsAck,
  TYPE,
} from "../net/_support/h2_frames.ts";
import { scaled } from "../_support/levels.ts";
import {
  goaway,
  head,
  headers,
  MemoryServer,
  reset,
  settingsOf,
  trailers,
  windowUpdate,
} from "./_support/memory_server.ts";

/** Seeds with which something was found once. */
const SEEDS: readonly number[] = [];

/** Gives bytes in reads that end at these places. */
function feed(server: MemoryServer, bytes: Buffer, places: readonly number[]): void {
  const length = Math.max(1, bytes.length);
  const sorted = [0, ...places.map((at) => at % length).sort((a, b) => a - b), bytes.length];
  sorted.slice(1).forEach((end, i) => server.send(bytes.subarray(sorted[i], end)));
}

/** The frames of several answers, each in its order, and all of them mixed as the numbers say. */
function interleave(answers: readonly (readonly Buffer[])[], picks: readonly number[]): Buffer[] {
  const rest = answers.map((frames) => [...frames]);
  const mixed: Buffer[] = [];
  for (let turn = 0; rest.some((frames) => frames.length > 0); turn++) {
    const open = rest.filter((frames) => frames.length > 0);
    const next = open[(picks[turn % picks.length] ?? 0) % open.length]?.shift();
    if (next !== undefined) mixed.push(next);
  }
  return mixed;
}

const parts = fc.array(fc.string({ maxLength: 300 }), { maxLength: 4 });

Deno.test("answers are read the same, however they are mixed and cut", () => {
  const property = fc.property(
    fc.array(parts, { minLength: 1, maxLength: 6 }),
    fc.array(fc.nat(50), { minLength: 1, maxLength: 30 }),
    fc.array(fc.nat(5_000), { maxLength: 20 }),
    (bodies, picks, places) => {
      using server = MemoryServer.greeted();
      const asked = bodies.map(() => server.request());
      const frames = bodies.map((body, i) => {
        const stream = 2 * i + 1;
        const texts = body.map((text) => data(stream, Buffer.from(text, "utf8")));
        return [head(stream), ...texts, trailers(stream)];
      });
      feed(server, Buffer.concat(interleave(frames, picks)), places);
      asked.forEach((received, i) => {
        const text = Buffer.from((bodies[i] ?? []).join(""), "utf8").toString("latin1");
        assert.deepEqual([received.events, received.body], [["head", "end"], text]);
      });
    },
  );
  fc.assert(property, { numRuns: scaled(200, 5_000) });
});

Deno.test("requests arrive whole, whatever the windows are and however they grow", () => {
  const property = fc.property(
    fc.array(fc.nat(3_000), { minLength: 1, maxLength: 5 }),
    fc.nat(2_000),
    fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 20 }),
    fc.constantFrom(1, 2, 100),
    (sizes, windowBytes, growth, streams) => {
      using server = MemoryServer.greeted([[4, windowBytes], [3, streams]]);
      const bodies = sizes.map((size, i) => String.fromCharCode(97 + i).repeat(size));
      const asked = bodies.map((body) => server.request(body));
      for (let turn = 0; asked.some(({ events }) => events.length === 0); turn++) {
        assert(turn < 10_000, "a request does not come to its end");
        server.send(Buffer.alloc(0));
        const open = asked.filter(({ stream, events }) => stream.id > 0 && events.length === 0);
        assert(open.length <= streams);
        for (const { stream } of open) {
          const isWhole = server.bodyOf(stream.id).length === stream.request.body.length;
          if (isWhole) server.send(head(stream.id, true));
          else server.send(windowUpdate(stream.id, growth[turn % growth.length] ?? 1));
        }
      }
      asked.forEach(({ stream }, i) => assert.equal(server.bodyOf(stream.id), bodies[i]));
    },
  );
  fc.assert(property, { numRuns: scaled(60, 2_000) });
});

const streamId = fc.constantFrom(0, 1, 1, 3, 3, 5, 7, 2, 0x7fff_ffff);
const payload = fc.uint8Array({ maxLength: 40 });
const anyFrame = fc.tuple(fc.nat(11), fc.nat(255), streamId, payload)
  .map(([type, flags, stream, bytes]) => frame(type, flags, stream, bytes));
const goodFrame = fc.oneof(
  fc.tuple(streamId, fc.boolean()).map(([stream, end]) => head(stream, end)),
  streamId.map((stream) => head(stream).fill(0, 4, 5)),
  streamId.map((stream) => frame(TYPE.continuation, FLAG.endHeaders, stream, Buffer.from([0x88]))),
  streamId.map((stream) => headers(stream, { ":status": "103" })),
  streamId.map((stream) => trailers(stream)),
  fc.tuple(streamId, payload, fc.boolean()).map(([stream, bytes, end]) => data(stream, bytes, end)),
  fc.tuple(streamId, fc.nat(13)).map(([stream, code]) => reset(stream, code)),
  streamId.map((last) => goaway(last)),
  fc.tuple(streamId, fc.constantFrom(0, 1, 100, 0x7fff_ffff))
    .map(([stream, bytes]) => windowUpdate(stream, bytes)),
  fc.tuple(fc.integer({ min: 1, max: 7 }), fc.constantFrom(0, 1, 16_384, 65_536))
    .map(([id, value]) => settingsOf([[id, value]])),
  fc.constant(settingsAck()),
  fc.constant(frame(TYPE.ping, 0, 0, Buffer.alloc(8))),
);
const mutations = fc.array(fc.tuple(fc.nat(4_000), fc.nat(255)), { maxLength: 3 });

Deno.test("a client takes any bytes: no fault of ours, whole frames out, and each request ends once", async () => {
  const frames = fc.array(fc.oneof({ weight: 4, arbitrary: goodFrame }, anyFrame), {
    maxLength: 30,
  });
  const places = fc.array(fc.nat(4_000), { maxLength: 5 });
  const property = fc.asyncProperty(frames, mutations, places, async (sent, changes, cuts) => {
    using server = new MemoryServer();
    const open = server.ask("d", { isOpen: true, isPaced: true });
    const asked = [open, ...["a", "b", "c"].map((body) => server.request(body, "5m"))];
    const bytes = Buffer.concat([settingsOf([]), ...sent]);
    for (const [at, by] of changes) {
      bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ by;
    }
    feed(server, bytes, cuts);
    open.stream.consume(open.body.length);
    open.stream.finish();
    await server.advance();
    server.client.connection.lost();
    assert.deepEqual(server.faults, []);
    const written = server.received.subarray(PREFACE.length);
    const read = framesOf(written);
    assert.equal(read.reduce((sum, each) => sum + 9 + each.payload.length, 0), written.length);
    for (const { events } of asked) {
      assert.equal(events.filter((event) => event !== "head").length, 1, events.join());
    }
    assert(server.goaways.filter((code) => code !== 0).length <= 1);
  });
  const numRuns = scaled(500, 50_000);
  for (const seed of SEEDS) await fc.assert(property, { seed, numRuns: 100 });
  await fc.assert(property, { numRuns });
});
