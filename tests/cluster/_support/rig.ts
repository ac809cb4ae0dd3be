// SPDX-License-Identifier: Apache-2.0

import type { SampleSetup } from "../../../bench/failover/samples.ts";
import { keepSample } from "./figures.ts";
import type { RecordedCall } from "./history.ts";
import type { ClusterLoad } from "./load.ts";
import type { ClusterNode } from "./cluster_node.ts";
import type { OracleCluster } from "./oracle_cluster.ts";
import type { Random } from "./random.ts";

/** A cluster under load, and what a fault needs to strike it. */
export interface Rig {
  /** The oracles. */
  readonly cluster: OracleCluster;
  /** Their callers. */
  readonly load: ClusterLoad;
  /** Decides what is left open. */
  readonly random: Random;
  /** How the cluster was set up, for the figures. */
  readonly setup: SampleSetup;
}

/** Something bad that happens to a cluster, and is over when it settles. */
export interface Fault {
  /** Its name in reports and figures. */
  readonly name: string;
  /** Does it, waits until the cluster serves again, and leaves every process running. */
  strike(rig: Rig): Promise<void>;
}

/** The node that leads: the one that grants next. */
export async function leaderOf({ cluster, load }: Rig): Promise<ClusterNode> {
  const { node } = await load.history.next("a node that leads", (call) => call.node !== undefined);
  return cluster.nodes[node!]!;
}

/** A node that does not lead. */
export async function standbyOf(rig: Rig): Promise<ClusterNode> {
  const leader = await leaderOf(rig);
  const standbys = rig.cluster.nodes.filter((node) => node !== leader);
  return standbys[rig.random(standbys.length)]!;
}

/**
 * Does something to the leader that ends its term, and keeps how long it took until the next leader granted, and until
 * a client of ours had an answer of it.
 */
export async function failOver(
  { load, setup }: Rig,
  fault: string,
  strike: () => Promise<unknown>,
): Promise<void> {
  const { history } = load;
  const { highestEpoch } = history;
  const isLater = ({ epoch }: RecordedCall) => epoch > highestEpoch;
  const granted = history.next(`a term after ${highestEpoch}`, isLater);
  const nextTerm = load.nextTerm();
  // If the strike fails, nobody waits for the term.
  for (const wait of [granted, nextTerm]) wait.catch(() => {});
  const startMs = history.now();
  await strike();
  const kind = "fail-over";
  const keep = async (what: string, call: Promise<RecordedCall>) => {
    await keepSample({ ...setup, kind, fault: what, ms: (await call).endMs - startMs });
  };
  await keep(`${fault}, any caller`, granted);
  await keep(fault, nextTerm);
}

/** Keeps the longest time without an answer to a client of ours while something is done to the engine. */
export async function keepPause(
  rig: Rig,
  fault: string,
  strike: () => Promise<unknown>,
): Promise<void> {
  const { history } = rig.load;
  const startMs = history.now();
  const before = history.calls.length;
  await strike();
  const ends = history.calls.slice(before).filter(({ node }) => node === undefined)
    .map(({ endMs }) => endMs);
  const moments = [startMs, ...ends, history.now()];
  const pauses = moments.slice(1).map((ms, index) => ms - moments[index]!);
  await keepSample({ ...rig.setup, kind: "pause", fault, ms: Math.max(...pauses) });
}
