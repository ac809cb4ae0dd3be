// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import {
  cancel,
  data,
  field,
  FLAG,
  frame,
  framesOf,
  hello,
  openStream,
  settingsAck,
  TYPE,
} from "../net/_support/h2_frames.ts";
import { scaled } from "../_support/levels.ts";
import { MemoryClient } from "./_support/memory_client.ts";

/** Seeds with which something was found once. */
const SEEDS: readonly number[] = [];

const streamId = fc.constantFrom(0, 1, 1, 3, 3, 5, 7, 9, 2, 0x7fff_ffff);
const payload = fc.uint8Array({ maxLength: 40 });
const anyFrame = fc.tuple(fc.nat(11), fc.nat(255), streamId, payload)
  .map(([type, flags, stream, bytes]) => frame(type, flags, stream, bytes));
const goodFrame = fc.oneof(
  streamId.map((stream) => openStream(stream)),
  streamId.map((stream) => openStream(stream).fill(0, 4, 5)),
  streamId.map((stream) => frame(TYPE.continuation, FLAG.endHeaders, stream, field("x", "y"))),
  fc.tuple(streamId, payload, fc.boolean()).map(([stream, bytes, end]) => data(stream, bytes, end)),
  streamId.map((stream) => cancel(stream)),
  fc.tuple(streamId, fc.constantFrom(0, 1, 100, 0x7fff_ffff)).map(([stream, bytes]) => {
    const increment = Buffer.alloc(4);
    increment.writeUInt32BE(bytes);
    return frame(8, 0, stream, increment);
  }),
  fc.tuple(fc.nat(7), fc.constantFrom(0, 1, 16_384, 65_536)).map(([id, value]) => {
    const setting = Buffer.alloc(6);
    setting.writeUInt16BE(id);
    setting.writeUInt32BE(value, 2);
    return frame(TYPE.settings, 0, 0, setting);
  }),
  fc.constant(settingsAck()),
  fc.constant(frame(TYPE.ping, 0, 0, Buffer.alloc(8))),
  // The answer to the PING of a goodbye, if one was said.
  fc.constant(frame(TYPE.ping, FLAG.ack, 0, Buffer.from([0, 0, 0, 0, 0, 0, 0, 1]))),
);
/** Places to change, and what to change them by. */
const mutations = fc.array(fc.tuple(fc.nat(4_000), fc.nat(255)), { maxLength: 3 });
const cuts = fc.array(fc.nat(4_000), { maxLength: 5 });

function mutate(bytes: Buffer, changes: readonly (readonly [number, number])[]): Buffer {
  const changed = Buffer.from(bytes);
  for (const [at, by] of changes) {
    changed[at % changed.length] = (changed[at % changed.length] ?? 0) ^ by;
  }
  return changed;
}

/** Sends bytes in parts, and has the server say goodbye before one of them, if there are so many. */
function feed(client: MemoryClient, bytes: Buffer, places: readonly number[], drainAt = -1): void {
  const sorted = [0, ...places.map((at) => at % bytes.length).sort((a, b) => a - b), bytes.length];
  sorted.slice(1).forEach((end, i) => {
    if (i === drainAt) client.connection.drain();
    client.send(bytes.subarray(sorted[i], end));
  });
}

Deno.test("a connection takes any bytes: no fault of ours, whole frames out, an end that is said once", async () => {
  const frames = fc.array(fc.oneof({ weight: 4, arbitrary: goodFrame }, anyFrame), {
    maxLength: 30,
    size: "max",
  });
  const drains = fc.integer({ min: -1, max: 5 });
  let sent = 0;
  const property = fc.asyncProperty(frames, mutations, cuts, drains, async (...given) => {
    const [parts, changes, places, drainAt] = given;
    sent += parts.length;
    using client = new MemoryClient();
    feed(client, mutate(Buffer.concat([hello(), ...parts]), changes), places, drainAt);
    await client.advance();
    assert.deepEqual(client.faults, []);
    const written = client.received;
    const read = framesOf(written);
    assert.equal(read.reduce((sum, { payload }) => sum + 9 + payload.length, 0), written.length);
    const errors = client.goaways.filter((code) => code !== 0);
    assert(errors.length <= 1);
    assert.equal(client.connection.isOver, client.isEnded);
    if (client.isEnded) assert.equal(client.connection.streams, 0);
    assert(client.connection.streams <= 4);
  });
  for (const seed of SEEDS) await fc.assert(property, { seed, numRuns: 1_000 });
  await fc.assert(property, { numRuns: scaled(1_000, 750_000) });
  assert(sent >= scaled(8_000, 10_000_000), `only ${sent} frames`);
});

Deno.test("the same bytes have the same answer, however they are cut", async () => {
  const frames = fc.array(goodFrame, { maxLength: 20 });
  const property = fc.asyncProperty(frames, mutations, cuts, async (parts, changes, places) => {
    const bytes = mutate(Buffer.concat([hello(), ...parts]), changes);
    using whole = new MemoryClient();
    using cut = new MemoryClient();
    whole.send(bytes);
    feed(cut, bytes, places);
    await Promise.all([whole.advance(), cut.advance()]);
    assert.deepEqual(cut.frames, whole.frames);
    assert.deepEqual(cut.sink.closed, whole.sink.closed);
  });
  await fc.assert(property, { numRuns: scaled(500, 50_000) });
});
