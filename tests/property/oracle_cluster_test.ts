// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import fc from "fast-check";
import { scaled } from "../_support/levels.ts";
import { clusterCommands } from "./_support/cluster_commands.ts";
import type { ClusterModel } from "./_support/cluster_commands.ts";
import type { ClusterOptions } from "./_support/cluster_node.ts";
import { OracleCluster } from "./_support/oracle_cluster.ts";

const NODES = 3;
const RECOVERY_ROUNDS = 1_000;

type Run = Iterable<fc.AsyncCommand<ClusterModel, OracleCluster>>;

const SHAPE = fc.record({
  windowAheadMs: fc.constantFrom(20, 300, 3_000),
  failoverAdvanceMs: fc.constantFrom(0, 1, 100, 1_000),
  skewsMs: fc.array(fc.integer({ min: -500, max: 500 }), { minLength: NODES, maxLength: NODES }),
});

/** Plays a run, heals the cluster, and looks at the whole history. */
async function play(options: ClusterOptions, run: Run): Promise<number> {
  await using cluster = new OracleCluster(options);
  await fc.asyncModelRun(() => ({ model: {}, real: cluster }), run);
  await cluster.recover(RECOVERY_ROUNDS);
  cluster.ledger.check();
  assert.equal(cluster.waiting, 0);
  return cluster.ledger.grants;
}

Deno.test("Oracle keeps real-time order over nodes whose leases follow each other", async () => {
  const leaseMs = 60;
  const run = clusterCommands({ nodes: NODES, scaleMs: leaseMs, maxCommands: 120 });
  await fc.assert(
    fc.asyncProperty(SHAPE, run, async (shape, commands) => {
      await play({ ...shape, handover: { kind: "lease", leaseMs } }, commands);
    }),
    { numRuns: scaled(300, 20_000) },
  );
});

Deno.test("Oracle repeats nothing over nodes that overlap for as long as they like", async () => {
  const run = clusterCommands({ nodes: NODES, scaleMs: 60, maxCommands: 120 });
  await fc.assert(
    fc.asyncProperty(SHAPE, run, async (shape, commands) => {
      await play({ ...shape, handover: { kind: "at-will" } }, commands);
    }),
    { numRuns: scaled(300, 20_000) },
  );
});
