// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import fc from "fast-check";
import type { LeadershipEvent } from "../../../src/consensus/driver.ts";
import { edgeCall } from "./edge_calls.ts";
import { EdgeWay, matters } from "./edge_way.ts";

/**
 * Asks a leader so many things on the fast lane, without it, and by `node:http2`, in this process. It runs on Deno and on
 * Node.
 *
 * @throws {Error} if the answers differ, or the lane was hardly used
 */
export async function leadersAgree(numRuns: number): Promise<void> {
  const grants = await agree(numRuns, [
    EdgeWay.start("connect", { hasLane: false }),
    EdgeWay.start("http2", { hasLane: false }),
    EdgeWay.start("http2", { hasLane: true }),
  ]);
  const [node, slow, fast = 0] = grants;
  assert(fast > numRuns / 50, `${fast} of ${numRuns} calls were on the lane`);
  assert.deepEqual([node, slow], [0, 0]);
}

/**
 * Asks a node that does not lead so many things on each edge, in this process.
 *
 * @throws {Error} if the answers differ
 */
export async function othersAgree(initial: LeadershipEvent, numRuns: number): Promise<void> {
  const grants = await agree(numRuns, [
    EdgeWay.start("connect", { hasLane: false, initial }),
    EdgeWay.start("http2", { hasLane: true, initial }),
  ]);
  assert.deepEqual(grants, [0, 0]);
}

/**
 * Asks all of them the same things. Node 20 cannot read `await using`.
 *
 * @returns how many calls the fast lane of each has granted
 */
async function agree(
  numRuns: number,
  starting: readonly Promise<EdgeWay>[],
): Promise<readonly number[]> {
  const ways = await Promise.all(starting);
  try {
    const property = fc.asyncProperty(edgeCall, async (call) => {
      const [expected, ...others] = await Promise.all(ways.map((way) => way.send(call)));
      assert(expected !== undefined);
      for (const answer of others) assert.deepEqual(matters(answer), matters(expected));
    });
    await fc.assert(property, { numRuns, endOnFailure: true });
    return ways.map((way) => way.fastGrants);
  } finally {
    for (const way of ways) await way[Symbol.asyncDispose]();
  }
}
