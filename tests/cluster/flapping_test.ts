// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { delay } from "@std/async";
import { ETCD_MISSING, EtcdCluster } from "../_support/engines/etcd_cluster.ts";
import { ioTestNeeding, scaled } from "../_support/levels.ts";
import { Callers } from "./_support/callers.ts";
import { FlappingNode } from "./_support/flapping_node.ts";
import { History } from "./_support/history.ts";
import type { RecordedCall } from "./_support/history.ts";

/** How long a term lasts, from its first grant. */
const TERM_MS = 50;
const TERMS = scaled(20, 400);
/** Without it a leader that does not read what its predecessor granted would go unnoticed. */
const CLOCKS_APART_MS = 30_000;

/** How many terms there were in the history, and how many of them began where the one before had not been. */
function termsOf(calls: readonly RecordedCall[]): { terms: number; moves: number } {
  const nodes = new Map(calls.map(({ epoch, node }) => [epoch, node]));
  const inOrder = [...nodes].toSorted(([one], [other]) => one < other ? -1 : 1);
  const moves = inOrder.filter(([, node], index) => index > 0 && inOrder[index - 1]![1] !== node);
  return { terms: nodes.size, moves: moves.length };
}

ioTestNeeding(
  ETCD_MISSING,
  `leadership that moves to another node ${TERM_MS} ms after each first grant breaks no promise`,
  async () => {
    await using etcd = await EtcdCluster.start();
    const { endpoints } = etcd;
    const history = new History();
    await using stay = new FlappingNode({ index: 0, endpoints, aheadMs: 0 });
    await using ahead = new FlappingNode({ index: 1, endpoints, aheadMs: CLOCKS_APART_MS });
    const nodes = [stay, ahead] as const;
    await using callers = new Callers();
    for (const node of nodes) {
      for (let caller = 0; caller < 2; caller++) callers.start(() => node.ask(history));
    }
    let { epoch, node } = await history.next("the first term", () => true);
    for (let term = 1; term < TERMS; term++) {
      await delay(TERM_MS);
      const leader = nodes[node as 0 | 1];
      const isLater = (call: RecordedCall) => call.epoch > epoch;
      const next = history.next(`a term after ${epoch}`, isLater);
      next.catch(() => {});
      await leader.leave();
      ({ epoch, node } = await next);
      leader.rejoin();
    }
    const { terms, moves } = termsOf(history.calls);
    assert.ok(terms >= TERMS, `there were ${terms} terms`);
    assert.ok(moves >= TERMS - 1, `leadership moved ${moves} times`);
    history.check();
  },
);
