// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { GapChecker } from "../../src/testing/gap_checker.ts";
import { checkHistory } from "../../src/testing/recorded_history.ts";
import { ETCD_MISSING, EtcdCluster } from "../_support/engines/etcd_cluster.ts";
import { ioTest, ioTestNeeding } from "../_support/levels.ts";
import { ServerProcess } from "../_support/server_process.ts";
import { embeddedNode } from "./_support/embedded_node.ts";
import type { RecordedCall } from "./_support/history.ts";
import { ClusterLoad } from "./_support/load.ts";
import { OracleCluster } from "./_support/oracle_cluster.ts";
import type { OrdinalCall } from "./_support/ordinals.ts";
import { PinnedCaller } from "./_support/pinned_caller.ts";
import { failOver, leaderOf } from "./_support/rig.ts";

/**
 * The window outlasts the pause of a leader. The lease outlasts the pauses of a busy machine: a node that loses its
 * term before the test takes it would hear of no other, and nobody would lead in the end.
 */
const SETUP = { engine: "etcd", leaseMs: 2_500, windowAheadMs: 60_000 } as const;

/** Calls that really were made, over a kill of the server, and break no promise. */
async function realHistory(): Promise<[RecordedCall[], OrdinalCall[]]> {
  const directory = await Deno.makeTempDir({ prefix: "tsoracle-" });
  try {
    const start = (listen: string) => ServerProcess.start({ directory, listen });
    await using cluster = await OracleCluster.startOf([{ start }]);
    await using load = await ClusterLoad.start(cluster.addresses);
    await load.more(10);
    await cluster.nodes[0]!.kill();
    await cluster.nodes[0]!.start();
    await load.more(10);
    await load.stop();
    await load.check();
    return [[...load.history.calls], [...load.ordinals.calls]];
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Two calls of which the first had ended before the second began. */
function oneAfterTheOther(calls: readonly RecordedCall[]): [RecordedCall, RecordedCall] {
  const first = calls[Math.floor(calls.length / 2)]!;
  const second = calls.find(({ startMs }) => startMs > first.endMs);
  assert.ok(second !== undefined, "all calls overlap");
  return [first, second];
}

ioTest("the records of a real run show what is planted among them, and nothing else", async (t) => {
  const [calls, ordinals] = await realHistory();
  const [first, second] = oneAfterTheOther(calls);
  const rest = calls.filter((call) => call !== first && call !== second);
  assert.deepEqual(checkHistory(calls), []);

  await t.step("a timestamp that is given twice at the same time", () => {
    const copy = { ...second, name: "planted" };
    assert.deepEqual(checkHistory([...calls, copy]).map(({ kind }) => kind), ["overlap"]);
  });

  await t.step("two calls whose answers were exchanged", () => {
    const { firstPacked, count } = first;
    const exchanged = [
      { ...first, firstPacked: second.firstPacked, count: second.count },
      { ...second, firstPacked, count },
    ];
    const kinds = checkHistory([...rest, ...exchanged]).map(({ kind }) => kind);
    assert.ok(kinds.includes("inversion"), String(kinds));
  });

  await t.step("a leader that was deposed and answers from its old window", () => {
    const stale = { ...second, name: "planted", firstPacked: first.firstPacked - 1n, count: 1 };
    const kinds = checkHistory([...calls, stale]).map(({ kind }) => kind);
    assert.ok(kinds.includes("inversion"), String(kinds));
  });

  await t.step("a block of ordinals that nobody received, and one that two received", () => {
    const [lost] = ordinals;
    assert.ok(lost !== undefined);
    const checkerOf = (blocks: readonly OrdinalCall[]) => {
      const checker = new GapChecker();
      for (const { firstPacked: start, count } of blocks) checker.received({ start, count });
      return checker;
    };
    const own = ordinals.filter(({ key }) => key === lost.key);
    const others = own.filter((call) => call !== lost);
    assert.deepEqual(checkerOf(others).check().map(({ kind }) => kind), ["gap"]);
    const kinds = checkerOf([...own, lost]).check().map(({ kind }) => kind);
    assert.ok(kinds.includes("overlap"), String(kinds));
  });
});

ioTestNeeding(
  ETCD_MISSING,
  "the history of a cluster whose driver is certain for good shows the leader that was paused",
  async () => {
    await using etcd = await EtcdCluster.start();
    const driver = ["etcd", "--etcd", etcd.endpoints.join(",")];
    const program = embeddedNode({ overconfident: true });
    await using cluster = await OracleCluster.start({ ...SETUP, driver, program });
    await using load = await ClusterLoad.start(cluster.addresses);
    const { history } = load;
    const rig = { cluster, load, setup: SETUP, random: () => 0 };
    // By then the leader has its whole window, and asks the engine for nothing until that is spent.
    await load.more(20);
    const leader = await leaderOf(rig);
    await using caller = new PinnedCaller(history, leader.index, leader.address);
    await caller.ask();
    await failOver(rig, "planted", () => leader.pause());
    await load.more(3);
    const late = caller.ask();
    leader.resume();
    await late;
    await load.stop();
    assert.throws(() => history.checkSoFar(), /inversion/);
    assert.throws(() => history.check(), /inversion/);
  },
);
