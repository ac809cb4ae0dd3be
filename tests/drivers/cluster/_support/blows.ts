// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import fc from "fast-check";
import { CALM, SimulatedCluster } from "./simulated_cluster.ts";
import type { SimulatedClusterOptions, Weather } from "./simulated_cluster.ts";

/** What befalls a cluster. */
export type Blow =
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
  | { readonly kind: "step" | "nap"; readonly node: number; readonly ms: number }
  | { readonly kind: "weather" } & Weather;

/** Below the margin of 5 %, by which the rates of two clocks may differ from true time. */
const RATE = fc.double({ min: 0.955, max: 1.045, noNaN: true });
const NODE = fc.nat({ max: 2 });
const DELAY = fc.constantFrom(1, 20, 80, 200);

/** A cluster of three. */
export const ANY_CLUSTER: fc.Arbitrary<SimulatedClusterOptions> = fc.record({
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
      kind: fc.constant("nap" as const),
      node: NODE,
      ms: fc.integer({ min: 100, max: 3_000 }),
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
      requestMs: DELAY,
      answerMs: DELAY,
      newsMs: DELAY,
      loss: fc.constantFrom(0, 0.05, 0.3),
      lateness: fc.constantFrom(0, 0.05, 0.3),
      refusal: fc.constantFrom(0, 0.05, 0.3),
    }),
  },
);

/** Lets a blow fall. */
export async function strike(cluster: SimulatedCluster, blow: Blow): Promise<void> {
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
    case "nap":
      // Long enough for another to lead, short enough for the monotonic clock to see nothing.
      node.pause("suspended");
      await cluster.pass(blow.ms);
      node.pause("running");
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
  cluster.weather = CALM;
  for (const node of cluster.nodes) {
    node.pause("running");
    node.link.mend();
  }
  await cluster.pass(1);
  // Those that resigned do not lead again.
  for (const slot of cluster.nodes.keys()) cluster.restart(slot);
  await cluster.pass(10_000);
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

/** Lives through some blows and the recovery from them. */
export async function live(
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

/** A life with everything that can go wrong in it. */
export const ANY_BLOWS: fc.Arbitrary<Blow[]> = fc.array(BLOW, {
  minLength: 5,
  maxLength: 60,
  size: "max",
});
