// SPDX-License-Identifier: Apache-2.0

import { cpuTimeMs } from "../load/cpu_time.ts";
import type { LoadCount } from "./load/h2load.ts";
import type { Load, LoadName } from "./loads.ts";
import type { Runtime } from "./runners.ts";
import type { MeasuredServer, ServerName } from "./servers.ts";

/** One server asked in one way. */
export interface RateCell {
  readonly load: LoadName;
  readonly shape: string;
  readonly runtime: Runtime;
  readonly server: ServerName;
  /** Good answers per second in each round. */
  readonly perSecond: readonly number[];
  /** Processor time of the server per request in each round, in microseconds; empty if unknown. */
  readonly cpuUs: readonly number[];
  /** One line for everything that makes it worthless. */
  readonly faults: readonly string[];
}

interface Entry extends RateCell {
  readonly perSecond: number[];
  readonly cpuUs: number[];
  readonly faults: string[];
}

/**
 * Goes through all loads and servers several times, so that what else the machine does is spread over all of them. The
 * servers of a load stand side by side.
 */
export async function measureRates(
  servers: readonly MeasuredServer[],
  loads: readonly Load[],
  rounds: number,
): Promise<readonly RateCell[]> {
  const work = loads.flatMap((load) =>
    servers.filter(({ name }) => load.servers.includes(name)).map((server) => ({
      load,
      server,
      entry: newEntry(load, server),
    }))
  );
  for (let round = 0; round < rounds; round++) {
    for (const { load, server, entry } of work) await measureOnce(load, server, entry);
  }
  return work.map(({ entry }) => entry);
}

function newEntry({ name, shape }: Load, server: MeasuredServer): Entry {
  const { name: serverName, runtime } = server;
  return { load: name, shape, runtime, server: serverName, perSecond: [], cpuUs: [], faults: [] };
}

async function measureOnce(load: Load, server: MeasuredServer, entry: Entry): Promise<void> {
  const { process: { pid }, grants } = server;
  const grantsBefore = await grants?.() ?? 0;
  const cpuBefore = cpuTimeMs(pid);
  const { perSecond, successes, failures, firstFailure = "", requests } = await attempt(
    load,
    server,
  );
  const cpuAfter = cpuTimeMs(pid);
  const granted = await grants?.() ?? grantsBefore + successes;
  const answered = granted - grantsBefore;
  entry.perSecond.push(perSecond);
  if (cpuBefore !== undefined && cpuAfter !== undefined && answered > 0) {
    entry.cpuUs.push((cpuAfter - cpuBefore) / answered * 1_000);
  }
  const say = (fault: string) => {
    entry.faults.push(`${entry.runtime}, ${entry.server}, ${load.name} ${load.shape}: ${fault}`);
  };
  if (failures > 0) say(`${failures} calls failed: ${firstFailure}`);
  if (successes === 0) say("no call was answered");
  if (answered < requests) say(`${successes} successes, but only ${answered} grants`);
}

/** A load that fails is a fault of this cell and leaves the others alone. */
async function attempt(load: Load, server: MeasuredServer): Promise<LoadCount> {
  try {
    return await load.run(server);
  } catch (error) {
    const firstFailure = String(error);
    return { successes: 0, failures: 1, firstFailure, requests: 0, perSecond: 0 };
  }
}
