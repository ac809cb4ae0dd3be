// SPDX-License-Identifier: Apache-2.0

/**
 * `deno task bench:edge`: what the server's HTTP/2 costs, beside others on the same machine in the same run.
 *
 * @module
 */

import process from "node:process";
import type { EdgeName } from "../../src/net/mod.ts";
import { GrpcConnection } from "../load/grpc_connection.ts";
import { describeMachine } from "../machine.ts";
import { findPin } from "../process/pinned.ts";
import { QuietWatch } from "../quiet.ts";
import type { Findings } from "./findings.ts";
import { faultsOf } from "./findings.ts";
import { measureLatencies } from "./latencies.ts";
import { H2load } from "./load/h2load.ts";
import type { Load } from "./loads.ts";
import { clientLoads, connectionLoads, grpcJsLoads, h2loads } from "./loads.ts";
import { measureLoneCallers } from "./lone_caller.ts";
import type { MemoryFigures } from "./memory.ts";
import { measureMemory } from "./memory.ts";
import { readEdgeOptions, USAGE } from "./options.ts";
import { measurePublished } from "./published.ts";
import { measureRates } from "./rates.ts";
import { formatFindings } from "./report.ts";
import type { Runner } from "./runners.ts";
import { DENO, findNode } from "./runners.ts";
import type { EdgeSchedule } from "./schedule.ts";
import { SCHEDULES } from "./schedule.ts";
import type { MeasuredServer } from "./servers.ts";
import { startServers } from "./servers.ts";

/** What a run needs to know. */
export interface EdgeBench {
  readonly schedule: EdgeSchedule;
  /** Which edge to measure. */
  readonly edge: EdgeName;
}

/** Measures everything. */
export async function runEdgeBench({ schedule, edge }: EdgeBench): Promise<Findings> {
  const directory = await Deno.makeTempDir({ prefix: "tsoracle-bench-edge-" });
  try {
    const machine = await describeMachine(directory);
    const node = schedule.onNode ? await findNode(directory) : undefined;
    const runners = node === undefined ? [DENO] : [DENO, node];
    const watch = await QuietWatch.start();
    const found = await measureAll({ schedule, edge, directory, runners });
    return { machine, otherLoad: await watch.result(), edge, ...found };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

interface Work extends EdgeBench {
  readonly directory: string;
  readonly runners: readonly Runner[];
}

async function measureAll(work: Work): Promise<Omit<Findings, "machine" | "otherLoad" | "edge">> {
  const { schedule, edge, directory, runners } = work;
  const pin = await findPin();
  const h2load = await H2load.prepare(directory, pin);
  await using stack = new AsyncDisposableStack();
  const servers = await startServers(stack, { runners, pin, edge });
  const edges = servers.filter(({ name }) => name === "edge");
  await tryEach(servers);
  for (const { process: { port } } of servers) {
    const until = { ms: schedule.warmUpMs };
    await h2load.run({ port, connections: 10, streams: 100, until });
  }
  const { connections, clients } = schedule;
  const loads: readonly Load[] = [
    ...h2loads(h2load, schedule.shapes, schedule.until),
    ...connectionLoads(h2load, [connections.few, connections.many], connections.until),
    ...grpcJsLoads(runners.at(-1) ?? DENO, clients.shapes, { ...clients, pin }),
    ...clientLoads(clients.callers, { ...clients, pin }),
  ];
  const rates = await measureRates(servers, loads, schedule.rounds);
  const loneCallers = await measureLoneCallers(servers, { ...schedule.loneCaller, runners, pin });
  const latencies = await measureLatencies(servers, schedule.latencies, pin);
  const published = await measurePublished(edges, { ...schedule.published, pin });
  const memory: MemoryFigures[] = [];
  for (const server of edges) {
    if (schedule.memory === undefined) break;
    memory.push(await measureMemory(server, { h2load, ...schedule.memory }));
  }
  await tryEach(servers);
  return { rates, loneCallers, latencies, published, memory };
}

/** h2load does not look at trailers: one real call of each server shows that it answers as it should. */
async function tryEach(servers: readonly MeasuredServer[]): Promise<void> {
  for (const { name, runtime, process: { port } } of servers) {
    const connection = new GrpcConnection({ port, count: 1 });
    try {
      const { count } = await connection.call();
      if (count !== 1) throw new Error(`it granted ${count} timestamps`);
    } catch (cause) {
      throw new Error(`The server '${name}' on ${runtime} does not answer one call`, { cause });
    } finally {
      connection.destroy();
    }
  }
}

async function main(args: readonly string[]): Promise<void> {
  const options = readEdgeOptions(args);
  if (options === "help") return console.log(USAGE);
  const { length, edge, json } = options;
  const findings = await runEdgeBench({ schedule: SCHEDULES[length], edge });
  if (json !== undefined) await Deno.writeTextFile(json, JSON.stringify(findings, undefined, 2));
  console.log(formatFindings(findings));
  const faults = faultsOf(findings);
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exitCode = 1;
}

if (import.meta.main) await main(Deno.args);
