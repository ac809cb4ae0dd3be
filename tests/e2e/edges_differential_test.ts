// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import fc from "fast-check";
import { ioTest, scaled } from "../_support/levels.ts";
import { edgeCall } from "./_support/edge_calls.ts";
import { EdgeWay, matters } from "./_support/edge_way.ts";
import { FOLLOWER, UNKNOWN } from "./_support/in_process.ts";

ioTest(
  "any request has the same answer on the fast lane, without it, and by node:http2",
  async () => {
    await using fast = await EdgeWay.start("http2", { hasLane: true });
    await using slow = await EdgeWay.start("http2", { hasLane: false });
    await using node = await EdgeWay.start("connect", { hasLane: false });
    let calls = 0;
    const property = fc.asyncProperty(edgeCall, async (call) => {
      calls += 1;
      const [expected, ...others] = await Promise.all(
        [node, slow, fast].map((way) => way.send(call)),
      );
      assert(expected !== undefined);
      for (const answer of others) assert.deepEqual(matters(answer), matters(expected));
    });
    await fc.assert(property, { numRuns: scaled(300, 20_000), endOnFailure: true });
    assert(fast.fastGrants > calls / 50, `${fast.fastGrants} of ${calls} calls were on the lane`);
    assert.equal(slow.fastGrants + node.fastGrants, 0);
  },
);

for (
  const [name, initial] of [["a follower", FOLLOWER], ["a node without a leader", UNKNOWN]] as const
) {
  ioTest(`any request has the same answer from ${name} on each edge`, async () => {
    await using own = await EdgeWay.start("http2", { hasLane: true, initial });
    await using node = await EdgeWay.start("connect", { hasLane: false, initial });
    const property = fc.asyncProperty(edgeCall, async (call) => {
      const [answer, expected] = await Promise.all([own.send(call), node.send(call)]);
      assert.deepEqual(matters(answer), matters(expected));
    });
    await fc.assert(property, { numRuns: scaled(100, 10_000), endOnFailure: true });
    assert.equal(own.fastGrants, 0);
  });
}

ioTest("a difference in what a lane answers is found", async () => {
  await using wrong = await EdgeWay.start("http2", { hasLane: true, surplus: 1 });
  await using right = await EdgeWay.start("connect", { hasLane: false });
  const property = fc.asyncProperty(edgeCall, async (call) => {
    const [answer, expected] = await Promise.all([wrong.send(call), right.send(call)]);
    assert.deepEqual(matters(answer), matters(expected));
  });
  const { failed } = await fc.check(property, { numRuns: 300, endOnFailure: true });
  assert(failed, "nobody noticed");
});
