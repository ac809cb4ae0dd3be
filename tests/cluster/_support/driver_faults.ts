// SPDX-License-Identifier: Apache-2.0

import { delay } from "@std/async";
import { scaled } from "../../_support/levels.ts";
import { until } from "../../net/_support/until.ts";
import type { ClusterNode } from "./cluster_node.ts";
import { LEAVE, LOSE_ANSWERS, REJOIN } from "./embedded_node.ts";
import type { Fault } from "./rig.ts";
import { failOver, leaderOf } from "./rig.ts";
import { lineOf } from "./unanswered_writes.ts";
import type { WriteName } from "./unanswered_writes.ts";

/** Calls of each client after the fault. */
const CALLS = 5;
/** How long a term lasts, from its first grant. */
const TERM_MS = 50;
const MOVES = scaled(5, 20);

/** Each embedded node that leads leaves the election a moment after its first grant, and takes part again. */
export const LEADERSHIP_MOVES: Fault = {
  name: `leadership that moves ${TERM_MS} ms after each first grant`,
  async strike({ cluster, load }) {
    const { history } = load;
    let { node, epoch } = await history.next("a node that leads", ({ node }) => node !== undefined);
    for (let move = 0; move < MOVES; move++) {
      const leader = cluster.nodes[node!]!;
      const last = epoch;
      const next = history.next(
        `a term after ${last}`,
        (call) => call.node !== undefined && call.epoch > last,
      );
      next.catch(() => {});
      leader.process.signal(LEAVE);
      ({ node, epoch } = await next);
      leader.process.signal(REJOIN);
      await delay(TERM_MS);
    }
    await load.more(CALLS);
  },
};

/**
 * Writes of the drivers of embedded nodes are made and reported as not answered: of the leader, and of its successor
 * the very write that makes it the leader.
 */
export const ANSWERS_LOST: Fault = {
  name: "writes that time out although they were made",
  async strike(rig) {
    const { nodes } = rig.cluster;
    // Whichever leads by then: a leader that lost the answer to a heartbeat may lose its term as well.
    const led = untilOneHas(nodes, ["beat", "writeSequences"]);
    for (const node of nodes) node.process.signal(LOSE_ANSWERS);
    await led();
    const leader = await leaderOf(rig);
    const others = nodes.filter((node) => node !== leader);
    const followed = untilOneHas(others, ["takeOver", "persistHighWater"]);
    for (const node of others) node.process.signal(LOSE_ANSWERS);
    await failOver(rig, this.name, () => leader.kill());
    await followed();
    await leader.start();
    await rig.load.more(CALLS);
  },
};

/** @returns waits until one of the nodes has lost an answer to each of the writes since this was called */
function untilOneHas(
  nodes: readonly ClusterNode[],
  writes: readonly WriteName[],
): () => Promise<void> {
  const countsOf = ({ output }: ClusterNode) =>
    writes.map((write) => output.split(lineOf(write)).length);
  const before = new Map(nodes.map((node) => [node, countsOf(node)]));
  return () =>
    until(`answers to ${writes.join(" and ")} that are lost`, () =>
      nodes.some((node) => {
        return countsOf(node).every((count, index) => count > before.get(node)![index]!);
      }));
}
