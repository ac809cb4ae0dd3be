// SPDX-License-Identifier: Apache-2.0

import { ServerProcess } from "../../_support/server_process.ts";
import { ClusterNode } from "./cluster_node.ts";
import type { StartNode } from "./cluster_node.ts";
import { freeAddress } from "./free_port.ts";

/** Windows so short that the leader writes its high-water several times a second. */
const BUSY = ["--window-ahead", "300ms", "--failover-advance", "100ms"] as const;

/** Options of {@linkcode OracleCluster.start}. */
export interface OracleClusterOptions {
  /** The words behind `serve` that name the engine. */
  readonly driver: readonly string[];
  /** The lease of the leader, in milliseconds. */
  readonly leaseMs: number;
  /**
   * How many oracles.
   *
   * @default {3}
   */
  readonly size?: number;
}

/** Several oracles on one engine, each a process of its own. */
export class OracleCluster implements AsyncDisposable {
  /** The oracles. */
  readonly nodes: readonly ClusterNode[];

  /** Makes a cluster that does not run yet. */
  constructor(starters: readonly StartNode[]) {
    this.nodes = starters.map((start, index) => new ClusterNode(index, freeAddress(), start));
  }

  /** Starts `tsoracle serve` on an engine, several times. */
  static async start(options: OracleClusterOptions): Promise<OracleCluster> {
    const { driver, leaseMs, size = 3 } = options;
    const start = (address: string) =>
      ServerProcess.start({
        driver,
        listen: address,
        flags: ["--advertise", address, "--lease", `${leaseMs}ms`, ...BUSY],
      });
    const cluster = new OracleCluster(Array.from({ length: size }, () => start));
    await cluster.startAll();
    return cluster;
  }

  /** Where they serve. */
  get addresses(): readonly string[] {
    return this.nodes.map(({ address }) => address);
  }

  /** Starts every node; if one does not start, none is left. */
  async startAll(): Promise<void> {
    const started = await Promise.allSettled(this.nodes.map((node) => node.start()));
    const failed = started.find(({ status }) => status === "rejected");
    if (failed === undefined) return;
    await this[Symbol.asyncDispose]();
    throw (failed as PromiseRejectedResult).reason;
  }

  /** Ends every node. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node[Symbol.asyncDispose]()));
  }
}
