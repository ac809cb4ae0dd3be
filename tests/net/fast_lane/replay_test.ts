// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { NOT_PLAIN, readGetTsRequest } from "../../../src/net/fast_lane/get_ts_wire.ts";
import { scaled } from "../../_support/levels.ts";
import { data, openStream } from "../_support/h2_frames.ts";
import { LaneRig, WAIT_MS } from "./_support/lane_rig.ts";

const GET_TS = "/tsoracle.v1.TsoService/GetTs";
const PLAIN = Buffer.from("00000000020801", "hex");

/** How each message of the rig's oracle begins: field 1 is 1,000. */
const GRANTED_AT = "\x08\xe8\x07";

/** Whether the lane can answer a body that comes in these parts. */
function isForLane(parts: readonly Uint8Array[]): boolean {
  const [whole, ...more] = parts.filter(({ length }) => length > 0);
  if (whole === undefined || more.length > 0) return false;
  const hasPrefix = Buffer.from(whole.subarray(0, 4)).equals(Buffer.alloc(4)) &&
    whole[4] === whole.length - 5;
  return hasPrefix && readGetTsRequest(whole, 5, whole.length) !== NOT_PLAIN;
}

const part = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Uint8Array>(PLAIN) },
  fc.constantFrom<Uint8Array>(PLAIN.subarray(0, 5), PLAIN.subarray(5), Buffer.alloc(0)),
  fc.uint8Array({ maxLength: 12 }),
  fc.tuple(fc.nat(PLAIN.length - 1), fc.nat(255)).map(([at, by]) => {
    const changed = Buffer.from(PLAIN);
    changed[at] = (changed[at] ?? 0) ^ by;
    return changed;
  }),
);
const bodies = fc.array(fc.array(part, { maxLength: 3 }), { minLength: 1, maxLength: 6 });

Deno.test("FastLane answers a call, or leaves it to others byte for byte, whatever comes between", async () => {
  const property = fc.asyncProperty(
    bodies,
    fc.infiniteStream(fc.nat(9)),
    async (calls, choices) => {
      using rig = new LaneRig();
      const { client } = rig;
      const choose = () => choices.next().value ?? 0;
      const steps = calls.map((parts, i) => {
        const stream = 2 * i + 1;
        const frames = parts.map((part) => data(stream, part));
        return [...frames, data(stream, Buffer.alloc(0), true)];
      });
      const opened = calls.map((_, i) => {
        return openStream(2 * i + 1, GET_TS, [["content-type", "application/grpc"]]);
      });
      client.send(...opened);
      // A call that the lane has waited for in vain goes to others before its body comes.
      const isLate = choose() === 0;
      if (isLate) await rig.clock.advance(WAIT_MS);
      let read: Buffer[] = [];
      while (steps.some(({ length }) => length > 0)) {
        const next = steps[choose() % steps.length]?.shift();
        if (next !== undefined) read.push(next);
        if (choose() < 5) client.send(...read.splice(0));
      }
      client.send(...read);
      read = [];
      calls.forEach((parts, i) => {
        const body = client.bodyOf(2 * i + 1);
        if (isForLane(parts) && !isLate) return assert(body.slice(5).startsWith(GRANTED_AT));
        const whole = Buffer.concat(parts).toString("latin1");
        assert.equal(body, whole === "" ? "hello" : whole);
      });
      assert.equal(client.connection.streams, 0);
      assert.deepEqual(client.faults, []);
    },
  );
  await fc.assert(property, { numRuns: scaled(500, 100_000) });
});
