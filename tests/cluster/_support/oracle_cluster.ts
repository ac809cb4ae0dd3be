// SPDX-License-Identifier: Apache-2.0

import { lastingAddress } from "../../_support/lasting_port.ts";
import { CLI, ServerProcess } from "../../_support/server_process.ts";
import type { Program } from "../../_support/server_process.ts";
import { ClusterNode } from "./cluster_node.ts";
import type { StartNode } from "./cluster_node.ts";

/** Options of {@linkcode OracleCluster.start}. */
export interface OracleClusterOptions {
  /** The words behind `serve` that name the engine. */
  readonly driver: readonly string[];
  /** The lease of the leader, in milliseconds. */
  readonly leaseMs: number;
  /** How far ahead of the clock the high-water is pushed, in milliseconds. */
  readonly windowAheadMs: number;
  /**
   * What is run.
   *
   * @default {CLI}
   */
  readonly program?: Program;
}

/** What makes a node of a cluster. */
export interface NodePlan {
  /** Starts its process. */
  readonly start: StartNode;
  /** Where it serves. */
  readonly address?: string;
}

/** Several oracles on one engine, each a process of its own. */
export class OracleCluster implements AsyncDisposable {
  /** The oracles. */
  readonly nodes: readonly ClusterNode[];

  /** Makes a cluster of nodes that do not run yet, each on a free address unless it names one. */
  private constructor(plans: readonly NodePlan[]) {
    this.nodes = plans.map(({ address = lastingAddress(), start }, index) =>
      new ClusterNode(index, address, start)
    );
  }

  /** Starts three oracles on an engine. */
  static async start(options: OracleClusterOptions): Promise<OracleCluster> {
    const { driver, program = CLI } = options;
    const start = (listen: string) => {
      const flags = clusterFlags(listen, options);
      return ServerProcess.start({ driver, program, listen, flags });
    };
    return await OracleCluster.startOf([{ start }, { start }, { start }]);
  }

  /** Starts nodes of any kind. */
  static async startOf(plans: readonly NodePlan[]): Promise<OracleCluster> {
    const cluster = new OracleCluster(plans);
    await cluster.#startAll();
    return cluster;
  }

  /** Where they serve. */
  get addresses(): readonly string[] {
    return this.nodes.map(({ address }) => address);
  }

  /** Ends every node. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node[Symbol.asyncDispose]()));
  }

  /** If one does not start, none is left. */
  async #startAll(): Promise<void> {
    const started = await Promise.allSettled(this.nodes.map((node) => node.start()));
    const failed = started.find((outcome) => outcome.status === "rejected");
    if (failed === undefined) return;
    await this[Symbol.asyncDispose]();
    throw failed.reason;
  }
}

/** The flags of one oracle of a cluster. */
export function clusterFlags(
  address: string,
  { leaseMs, windowAheadMs }: Pick<OracleClusterOptions, "leaseMs" | "windowAheadMs">,
): readonly string[] {
  const window = ["--window-ahead", `${windowAheadMs}ms`];
  return ["--advertise", address, "--lease", `${leaseMs}ms`, ...window];
}
