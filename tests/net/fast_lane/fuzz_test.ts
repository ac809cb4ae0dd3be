// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { MAX_COUNT } from "../../../src/core/timestamp.ts";
import { scaled } from "../../_support/levels.ts";
import { cancel, data, framesOf, initialWindow, openStream } from "../_support/h2_frames.ts";
import { LaneRig, WAIT_MS } from "./_support/lane_rig.ts";

const GET_TS = "/tsoracle.v1.TsoService/GetTs";
const GRPC_CALL = Buffer.from("00000000020801", "hex");

/** Seeds with which something was found once. */
const SEEDS: readonly number[] = [];

/** What happens to a lane: bytes come, time goes by, or the oracle begins or ceases to grant. */
type Step = Buffer | "late" | "certain" | "uncertain";

const stream = fc.constantFrom(1, 1, 3, 3, 5, 7, 9, 11);
const body = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(GRPC_CALL, GRPC_CALL.subarray(5)) },
  fc.constantFrom(GRPC_CALL.subarray(0, 5), Buffer.alloc(0), Buffer.concat([GRPC_CALL, GRPC_CALL])),
  fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
);
const type = fc.constantFrom("application/grpc", "application/proto", "application/json");
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(stream, type).map(([id, type]) =>
      openStream(id, GET_TS, [["content-type", type]])
    ),
  },
  {
    weight: 8,
    arbitrary: fc.tuple(stream, body, fc.boolean()).map(([id, bytes, end]) => data(id, bytes, end)),
  },
  stream.map((id) => cancel(id)),
  fc.constantFrom(0, 20, 65_535).map((bytes) => initialWindow(bytes)),
  fc.constantFrom<Step[]>("late", "certain", "uncertain"),
);
const changes = fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 2 });

async function take(rig: LaneRig, step: Step): Promise<void> {
  if (step === "late") return await rig.clock.advance(WAIT_MS);
  if (typeof step === "string") rig.grants = step === "certain";
  else rig.client.send(step);
}

Deno.test("FastLane takes any bytes: no fault of ours, whole frames out, a grant for an answer", async () => {
  let steps = 0;
  const property = fc.asyncProperty(
    fc.array(step, { maxLength: 30, size: "max" }),
    changes,
    async (taken, changes) => {
      steps += taken.length;
      using rig = new LaneRig();
      const { client } = rig;
      for (const [at, by] of changes) {
        const changed = taken[at % Math.max(1, taken.length)];
        if (typeof changed === "object") changed[at % changed.length]! ^= by;
      }
      for (const step of taken) await take(rig, step);
      assert.deepEqual(client.faults, []);
      const written = client.received;
      const read = framesOf(written);
      assert.equal(read.reduce((sum, { payload }) => sum + 9 + payload.length, 0), written.length);
      assert.equal(rig.lane.answered, rig.counts.length);
      assert(rig.counts.every((count) => count >= 1 && count <= MAX_COUNT));
      assert.equal(client.connection.isOver, client.isEnded);
      assert(client.connection.streams <= 6);
      if (client.isEnded) assert.equal(client.connection.streams, 0);
    },
  );
  for (const seed of SEEDS) await fc.assert(property, { seed, numRuns: 1_000 });
  await fc.assert(property, { numRuns: scaled(500, 200_000) });
  assert(steps >= scaled(4_000, 2_000_000), `only ${steps} steps`);
});
