// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import fc from "fast-check";
import { scaled } from "../_support/levels.ts";
import { clusterCommands } from "./_support/cluster_commands.ts";
import type { ClusterModel } from "./_support/cluster_commands.ts";
import type { ClusterOptions } from "./_support/cluster_node.ts";
import type { Flaw, Handover } from "./_support/engine.ts";
import { OracleCluster } from "./_support/oracle_cluster.ts";

const NODES = 3;
const LEASE_MS = 60;
const RECOVERY_ROUNDS = 1_000;
const LEASES: Handover = { kind: "lease", leaseMs: LEASE_MS };
const AT_WILL: Handover = { kind: "at-will" };

type Run = Iterable<fc.AsyncCommand<ClusterModel, OracleCluster>>;

const SHAPE = fc.record({
  windowAheadMs: fc.constantFrom(20, 300, 3_000),
  failoverAdvanceMs: fc.constantFrom(0, 1, 100, 1_000),
  skewsMs: fc.array(fc.integer({ min: -500, max: 500 }), { minLength: NODES, maxLength: NODES }),
});

const RUN = clusterCommands({ nodes: NODES, scaleMs: LEASE_MS, maxCommands: 120 });

/** Plays a run, heals the cluster, and looks at the whole history; returns what it came across. */
async function play(options: ClusterOptions, run: Run): Promise<ReadonlySet<string>> {
  await using cluster = new OracleCluster(options);
  await fc.asyncModelRun(() => ({ model: {}, real: cluster }), run);
  const seen = new Set(cluster.seen);
  await cluster.recover(RECOVERY_ROUNDS);
  cluster.checkEnd();
  return seen;
}

/** Plays runs until all of `kinds` have come up; returns what has not. */
async function missing(handover: Handover, kinds: readonly string[]): Promise<string[]> {
  const left = new Set(kinds);
  for (let batch = 0; batch < 100 && left.size > 0; batch++) {
    for (const [shape, run] of fc.sample(fc.tuple(SHAPE, RUN), 50)) {
      for (const kind of await play({ ...shape, handover }, run)) left.delete(kind);
    }
  }
  return [...left];
}

/** Whether runs with a flawed engine fail, as they must. */
async function catches(flaw: Flaw, handover: Handover): Promise<boolean> {
  const property = fc.asyncProperty(SHAPE, RUN, async (shape, run) => {
    await play({ ...shape, handover, flaw }, run);
  });
  const { failed, errorInstance } = await fc.check(property, {
    numRuns: 10_000,
    endOnFailure: true,
  });
  if (failed) assert(errorInstance instanceof assert.AssertionError, String(errorInstance));
  return failed;
}

Deno.test("Oracle keeps real-time order, sequences and leases over nodes that follow each other", async () => {
  await fc.assert(
    fc.asyncProperty(SHAPE, RUN, async (shape, run) => {
      await play({ ...shape, handover: LEASES }, run);
    }),
    { numRuns: scaled(300, 20_000) },
  );
});

Deno.test("Oracle repeats no timestamp, ordinal or lease over nodes that overlap as long as they like", async () => {
  await fc.assert(
    fc.asyncProperty(SHAPE, RUN, async (shape, run) => {
      await play({ ...shape, handover: AT_WILL }, run);
    }),
    { numRuns: scaled(300, 20_000) },
  );
});

Deno.test("runs of a cluster come across every kind of answer", async () => {
  const always = [
    "granted at once",
    "granted after a wait",
    "not-leader at once",
    "not-leader after a wait",
    "unavailable after a wait",
    ...["a block", "a batch", "take: not-leader", "take: key-limit", "take: outcome-unknown"],
    ...["a lease", "acquire: not-leader", "acquire: unavailable", "acquire: stale-holder"],
    ...["renew: done", "renew: unavailable", "renew: lease-expired", "renew: lease-superseded"],
    "handed over",
    ...["renew: unknown-lease", "release: done", "release: unavailable"],
  ];
  const inDoubt = ["not-leader in doubt at once", "not-leader in doubt after a wait"];
  assert.deepEqual(await missing(LEASES, [...always, ...inDoubt]), []);
  assert.deepEqual(await missing(AT_WILL, [...always, "granted by an overtaken leader"]), []);
});

Deno.test("runs of a cluster catch an engine that lets a standby lead before the lease is over", async () => {
  assert(await catches("hands-over-early", LEASES));
});

Deno.test("runs of a cluster catch an engine that lets an old epoch write", async () => {
  assert(await catches("does-not-fence", AT_WILL));
});

Deno.test("runs of a cluster catch an engine whose reads miss the latest write", async () => {
  assert(await catches("reads-the-write-before", LEASES));
  assert(await catches("reads-the-write-before", AT_WILL));
});

Deno.test("runs of a cluster catch an engine that lets an old epoch replace the leases", async () => {
  assert(await catches("does-not-fence-leases", LEASES));
});

Deno.test("runs of a cluster catch an engine that replaces leases out of order", async () => {
  assert(await catches("replaces-out-of-order", LEASES));
});

Deno.test("runs of a cluster catch an engine that takes two blocks for a message that comes twice", async () => {
  assert(await catches("takes-twice", AT_WILL));
});

/** A write of the old leader reaches the store between the load and the persist of the new one's fence. */
async function raceFenceWithOldWrite(flaw?: Flaw): Promise<number> {
  const options = {
    handover: AT_WILL,
    flaw,
    windowAheadMs: 20,
    failoverAdvanceMs: 0,
    skewsMs: [0, 0],
  };
  await using cluster = new OracleCluster(options);
  await cluster.takeOver(0);
  await cluster.call(0, 1);
  await cluster.tick(10);
  await cluster.call(0, 1);
  assert.equal(cluster.waiting, 1);
  cluster.campaign(1);
  for (const _ of ["election", "its answer"]) await cluster.deliver(1, "delivered");
  for (const kind of ["follower", "leader"]) assert.equal(await cluster.hear(1), kind);
  for (const _ of ["load", "its answer"]) await cluster.deliver(1, "delivered");
  for (const _ of ["old write", "fence", "and their answers", "", "leases", "their answer"]) {
    await cluster.deliver(0, "delivered");
  }
  assert.equal(await cluster.call(1, 1), "granted");
  return cluster.ledger.grants;
}

Deno.test("a fence is safe from a write of the old leader because the engine refuses it", async () => {
  assert.equal(await raceFenceWithOldWrite(), 2);
  await assert.rejects(raceFenceWithOldWrite("fences-at-the-first-write"), /epoch 1 granted/);
});
