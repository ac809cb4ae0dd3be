// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { ioTest, scaled } from "../_support/levels.ts";
import { edgeCall } from "./_support/edge_calls.ts";
import { EdgeWay, matters } from "./_support/edge_way.ts";
import { leadersAgree, othersAgree } from "./_support/edges_agree.ts";
import { FOLLOWER, UNKNOWN } from "./_support/in_process.ts";
import { bundleForNode } from "./_support/node_program.ts";

const ON_NODE = fileURLToPath(new URL("./_children/edges_agree.ts", import.meta.url));

ioTest(
  "any request has the same answer on the fast lane, without it, and by node:http2",
  () => leadersAgree(scaled(300, 20_000)),
);

for (
  const [name, initial] of [["a follower", FOLLOWER], ["a node without a leader", UNKNOWN]] as const
) {
  ioTest(
    `any request has the same answer from ${name} on each edge`,
    () => othersAgree(initial, scaled(100, 10_000)),
  );
}

ioTest("any request has the same answer on each edge on Node, from whatever node", async () => {
  await using bundle = await bundleForNode(ON_NODE);
  const [node, ...args] = bundle.program;
  const counts = [scaled(300, 20_000), scaled(100, 10_000)].map(String);
  const { code, stdout, stderr } = await new Deno.Command(node, { args: [...args, ...counts] })
    .output();
  const told = new TextDecoder().decode(stderr);
  assert.equal(code, 0, told);
  assert.equal(new TextDecoder().decode(stdout), "all agree\n", told);
});

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
