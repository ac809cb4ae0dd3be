// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import fc from "fast-check";
import { scaled } from "../../_support/levels.ts";
import { SimulatedCluster } from "./_support/simulated_cluster.ts";
import type { SimulatedClusterOptions } from "./_support/simulated_cluster.ts";

/** What befalls a cluster. */
type Blow =
  | { readonly kind: "pass"; readonly ms: number }
  | {
    readonly kind:
      | "cut"
      | "mend"
      | "gap"
      | "reset"
      | "stop"
      | "suspend"
      | "resume"
      | "resign"
      | "restart"
      | "crash";
    readonly node: number;
  }
  | { readonly kind: "step"; readonly node: number; readonly ms: number }
  | {
    readonly kind: "weather";
    readonly delayMs: number;
    readonly loss: number;
    readonly lateness: number;
  };

/** Below the margin of 5 %, by which the rates of two clocks may differ from true time. */
const RATE = fc.double({ min: 0.955, max: 1.045, noNaN: true });
const NODE = fc.nat({ max: 2 });

const OPTIONS = fc.record({
  leaseMs: fc.constantFrom(300, 500, 1_500),
  rates: fc.array(RATE, { minLength: 3, maxLength: 3 }),
  seed: fc.nat(),
});

const PASS = fc.record({
  kind: fc.constant("pass" as const),
  ms: fc.integer({ min: 1, max: 900 }),
});
const BLOW: fc.Arbitrary<Blow> = fc.oneof(
  { weight: 8, arbitrary: PASS },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        "cut",
        "mend",
        "mend",
        "gap",
        "reset",
        "stop",
        "suspend",
        "resume",
        "resume",
        "resign",
        "restart",
        "crash",
      ),
      node: NODE,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("step" as const),
      node: NODE,
      ms: fc.integer({ min: -3_600_000, max: 3_600_000 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("weather" as const),
      delayMs: fc.integer({ min: 1, max: 200 }),
      loss: fc.constantFrom(0, 0.05, 0.3),
      lateness: fc.constantFrom(0, 0.05, 0.3),
    }),
  },
);

async function strike(cluster: SimulatedCluster, blow: Blow): Promise<void> {
  if (blow.kind === "pass") return await cluster.pass(blow.ms);
  if (blow.kind === "weather") {
    cluster.weather = blow;
    return;
  }
  const node = cluster.node(blow.node);
  if (cluster.granting.includes(node)) cluster.note(`${blow.kind} of a leader`);
  switch (blow.kind) {
    case "cut":
      return node.link.cut();
    case "mend":
      return node.link.mend();
    case "gap":
      return node.link.interruptWatches();
    case "reset":
      return node.link.reset();
    case "stop":
      return node.pause("stopped");
    case "suspend":
      return node.pause("suspended");
    case "resume":
      return node.pause("running");
    case "step":
      // One back while the machine sleeps, or unnoticed just before, cannot be told from a shorter sleep.
      if (node.state === "suspended" && blow.ms < 0) return;
      node.clock.jumpTo(node.clock.nowMs() + blow.ms);
      return await cluster.pass(1);
    case "resign":
      void node.driver.resign({ signal: AbortSignal.timeout(0) });
      return;
    case "restart":
      return cluster.restart(blow.node);
    case "crash":
      return cluster.crash(blow.node);
  }
}

/** Once nothing stands in the way, one leads and the others know it. */
async function recover(cluster: SimulatedCluster): Promise<void> {
  cluster.weather = { delayMs: 5, loss: 0, lateness: 0 };
  for (const [slot, node] of cluster.nodes.entries()) {
    node.pause("running");
    node.link.mend();
    cluster.restart(slot);
  }
  await cluster.pass(20_000);
  const [leader, ...others] = cluster.granting;
  assert(leader !== undefined && others.length === 0, "nobody leads");
  for (const node of cluster.nodes) {
    if (node === leader) continue;
    assert.deepEqual(node.event, {
      kind: "follower",
      leaderEpoch: leader.leaderships.at(-1)?.epoch,
      leaderEndpoint: { host: `node-${leader.number}.example`, port: 50_551 },
    });
  }
}

async function live(
  options: SimulatedClusterOptions,
  blows: readonly Blow[],
): Promise<SimulatedCluster> {
  const cluster = new SimulatedCluster(options);
  try {
    await cluster.pass(100);
    for (const blow of blows) await strike(cluster, blow);
    await recover(cluster);
  } finally {
    await cluster.close();
  }
  cluster.ledger.checkOrdinals();
  return cluster;
}

Deno.test("whatever befalls a cluster, no two nodes may grant at any moment, and nothing is lost or given twice", async () => {
  const totals = new Map<string, number>();
  const blows = fc.array(BLOW, { minLength: 5, maxLength: 60, size: "max" });
  await fc.assert(
    fc.asyncProperty(OPTIONS, blows, async (options, parts) => {
      const cluster = await live(options, parts);
      for (const [what, count] of cluster.seen) totals.set(what, (totals.get(what) ?? 0) + count);
      const { answered, unknown } = cluster.ledger;
      totals.set("answered", (totals.get("answered") ?? 0) + answered);
      totals.set("outcome unknown", (totals.get("outcome unknown") ?? 0) + unknown);
    }),
    { numRuns: scaled(60, 2_000) },
  );
  console.log(totals);
});
