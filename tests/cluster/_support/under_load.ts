// SPDX-License-Identifier: Apache-2.0

import type { SampleSetup } from "../../../bench/failover/samples.ts";
import { ClusterLoad } from "./load.ts";
import type { LoadOptions } from "./load.ts";
import type { OracleCluster } from "./oracle_cluster.ts";
import { Seed } from "./random.ts";
import type { Fault, Rig } from "./rig.ts";

/** Options of {@linkcode underLoad}. */
export interface UnderLoadOptions extends LoadOptions {
  /** The oracles, which run. */
  readonly cluster: OracleCluster;
  /** How they were set up, for the figures. */
  readonly setup: SampleSetup;
}

/** What a body may do with a cluster that is under load. */
export interface Stage {
  /** The cluster and its callers. */
  readonly rig: Rig;
  /** Strikes, as a step of the test; after a strike that failed the others would mean nothing and are left out. */
  strike(fault: Fault): Promise<void>;
}

/** Asks a cluster all the time while a body strikes it, and then checks all that its callers saw. */
export async function underLoad(
  t: Deno.TestContext,
  { cluster, setup, ...loadOptions }: UnderLoadOptions,
  body: (stage: Stage) => Promise<void>,
): Promise<void> {
  const seed = new Seed();
  await using load = await ClusterLoad.start(cluster.addresses, loadOptions);
  const rig = { cluster, load, random: seed.random, setup };
  let failed = false;
  const strike = async (fault: Fault) => {
    if (failed) return;
    const fn = () => seed.tell(() => strikeOnce(fault, rig));
    // The callers and the processes began before the step and go on after it.
    failed = !await t.step({ name: fault.name, fn, sanitizeOps: false, sanitizeResources: false });
  };
  await load.more(1);
  await body({ rig, strike });
  if (failed) return;
  await load.stop();
  await seed.tell(() => load.check());
}

async function strikeOnce(fault: Fault, rig: Rig): Promise<void> {
  try {
    await fault.strike(rig);
    rig.load.history.checkSoFar();
  } catch (cause) {
    const outputs = rig.cluster.nodes.map(({ index, output }) => `node ${index}:\n${output}`);
    throw new Error(`${fault.name} broke a promise; ${outputs.join("\n")}`, { cause });
  }
}
