// SPDX-License-Identifier: Apache-2.0

import { ServerProcess } from "../../_support/server_process.ts";
import { embeddedNode } from "./embedded_node.ts";
import type { Link } from "./link.ts";
import { NetworkNamespace } from "./network_namespace.ts";
import { clusterFlags } from "./oracle_cluster.ts";
import type { NodePlan, OracleClusterOptions } from "./oracle_cluster.ts";

/** Anywhere in a namespace of its own. */
const PORT = 50_551;

/** Options of {@linkcode linkedNode}. */
export interface LinkedNodeOptions {
  /** The words behind `serve` that name the engine, as it is found behind the link. */
  readonly driver: readonly string[];
  /** Lengths of lease and window. */
  readonly setup: Pick<OracleClusterOptions, "leaseMs" | "windowAheadMs">;
  /** How far its wall clock is ahead to begin with, in milliseconds. */
  readonly offsetMs: number;
}

/** An embedded node behind a link, in the namespace of the link if that has one. */
export function linkedNode(
  link: Link,
  { driver, setup, offsetMs }: LinkedNodeOptions,
): NodePlan {
  const embedded = embeddedNode({ offsetMs });
  const hasNamespace = link instanceof NetworkNamespace;
  const program = hasNamespace ? link.command(embedded) : embedded;
  const start = (listen: string) => {
    return ServerProcess.start({ driver, listen, program, flags: clusterFlags(listen, setup) });
  };
  return hasNamespace ? { start, address: `${link.hostname}:${PORT}` } : { start };
}
