// SPDX-License-Identifier: Apache-2.0

/**
 * A leader with a lease of three seconds, in a process of its own. Once a heartbeat is later than that, somebody else leads
 * for good. It prints its address, and shuts down at the end of its input.
 */

import { createInterface } from "node:readline";
import process from "node:process";
import { MemoryDriver } from "../../../src/drivers/memory/mod.ts";
import { serve } from "../../../src/net/mod.ts";
import { Oracle } from "../../../src/server/mod.ts";

const LEASE_MS = 3_000;
const HEARTBEAT_MS = 100;

async function main(): Promise<void> {
  let untilMs = performance.now() + LEASE_MS;
  const heartbeat = setInterval(() => {
    const nowMs = performance.now();
    untilMs = nowMs < untilMs ? nowMs + LEASE_MS : -Infinity;
  }, HEARTBEAT_MS);
  const driver = new MemoryDriver({
    initial: { kind: "leader", epoch: 1n, certainUntil: () => untilMs },
  });
  const oracle = new Oracle({ driver, heartbeatIntervalMs: 0 });
  await oracle.untilServing();
  const server = await serve(oracle, { port: 0 });
  process.stdout.write(`${server.address}\n`);
  for await (const _ of createInterface({ input: process.stdin }));
  clearInterval(heartbeat);
  await server.close();
  await oracle.close();
}

if (import.meta.main) await main();
