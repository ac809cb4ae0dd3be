// SPDX-License-Identifier: Apache-2.0

/**
 * A server in a process of its own. It prints its address; for each line of its input it prints what it
 * costs; at the end of its input it shuts down.
 */

import { createInterface } from "node:readline";
import process from "node:process";
import { EDGE } from "../../_support/edge.ts";
import { MemoryDriver } from "../../../src/drivers/memory/mod.ts";
import { serve } from "../../../src/net/mod.ts";
import { Oracle } from "../../../src/server/mod.ts";

/** What the server costs at a moment, as a line of JSON. */
export interface Costs {
  /** Resident memory in bytes, after a collection of garbage. */
  readonly rssBytes: number;
  /** What lives on the heap of JavaScript then, in bytes. */
  readonly heapBytes: number;
  /** Open connections. */
  readonly connections: number;
}

async function main(): Promise<void> {
  const oracle = new Oracle({ driver: new MemoryDriver(), heartbeatIntervalMs: 0 });
  await oracle.untilServing();
  const server = await serve(oracle, { port: 0, edge: EDGE });
  print(server.address);
  for await (const _ of createInterface({ input: process.stdin })) {
    (globalThis as { gc?: () => void }).gc?.();
    const { rss: rssBytes, heapUsed: heapBytes } = process.memoryUsage();
    const costs: Costs = { rssBytes, heapBytes, connections: server.connections };
    print(JSON.stringify(costs));
  }
  await server.close();
  await oracle.close();
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

if (import.meta.main) await main();
