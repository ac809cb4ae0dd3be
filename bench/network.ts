// SPDX-License-Identifier: Apache-2.0

import { join } from "node:path";
import { PROTOCOLS } from "./load/connection.ts";
import type { Cell, LoadResult, Plan } from "./load/plan.ts";
import type { Arm, PauseFigures } from "./pauses.ts";
import { arms } from "./pauses.ts";
import { generateLoad } from "./process/load_process.ts";
import { bundleForNode, readCounter, startFloor, startOracle } from "./process/oracle_server.ts";
import type { ServerProcess } from "./process/server_process.ts";
import type { Schedule } from "./schedule.ts";

/** Callers at a time. */
export const CONCURRENCIES: readonly number[] = [1, 16, 256];

/** The concurrency at which servers are warmed up. */
const MIDDLE = 16;

/** Callers at a time where pauses are looked for. */
const PAUSE_CONCURRENCIES: readonly number[] = [1, MIDDLE];

/** A server to measure. */
interface Target {
  readonly name: string;
  readonly server: ServerProcess;
  /** Callers at a time. */
  readonly concurrencies: readonly number[];
}

/** Answers per second and latencies, by protocol and concurrency. */
export async function measureProtocols(
  directory: string,
  schedule: Schedule,
): Promise<LoadResult> {
  await using stack = new AsyncDisposableStack();
  const targets: Target[] = [{
    name: "deno",
    server: stack.use(await startOracle({ stateDir: join(directory, "deno") })),
    concurrencies: CONCURRENCIES,
  }];
  if (schedule.comparisons) {
    const bundle = join(directory, "cli.mjs");
    if (await bundleForNode(bundle)) {
      const server = stack.use(await startOracle({ stateDir: join(directory, "node"), bundle }));
      targets.push({ name: "node", server, concurrencies: CONCURRENCIES });
    }
    targets.push({
      name: "floor",
      server: stack.use(await startFloor()),
      concurrencies: [MIDDLE],
    });
  }
  const cells = cellsOf(targets);
  await warmUp(cells, schedule);
  return await generateLoad({ ...schedule.load, cells });
}

/** Servers stand side by side within a cell, so that what disturbs one disturbs the other. */
function cellsOf(targets: readonly Target[]): readonly Cell[] {
  return PROTOCOLS.flatMap((protocol) =>
    CONCURRENCIES.flatMap((concurrency) =>
      targets.filter(({ concurrencies }) => concurrencies.includes(concurrency))
        .map(({ name, server: { port, pid } }) => ({
          target: name,
          port,
          pid,
          protocol,
          concurrency,
        }))
    )
  );
}

/** Lets the compilers of the servers see the load before it counts; Node's takes two seconds. */
async function warmUp(cells: readonly Cell[], { warmUpMs }: Schedule): Promise<void> {
  const warm = cells.filter(({ concurrency }) => concurrency === MIDDLE);
  const plan: Plan = { cells: warm, rounds: 1, warmUpMs: 0, measureMs: warmUpMs, count: 1 };
  const { cells: results } = await generateLoad(plan);
  for (const { errors, firstError } of results) {
    if (errors > 0) throw new Error(`The warm-up failed: ${firstError}`);
  }
}

/** What calls over gRPC feel of the disk. */
export interface NetworkPauses {
  /** By arm, then by concurrency. */
  readonly figures: readonly (PauseFigures & { readonly concurrency: number })[];
  /** What the load generator says of each. */
  readonly loads: readonly LoadResult[];
}

/** One server at a time, so that only the one that is measured writes to the disk. */
export async function measureNetworkPauses(
  directory: string,
  schedule: Schedule,
): Promise<NetworkPauses> {
  const loads: LoadResult[] = [];
  const figures = [];
  for (const arm of arms(schedule.windowAheadMs)) {
    await using server = await startArm(arm, join(directory, arm.name));
    const cell = { target: arm.name, port: server.port, protocol: "grpc" } as const;
    await warmUp([{ ...cell, concurrency: MIDDLE }], schedule);
    for (const concurrency of PAUSE_CONCURRENCIES) {
      const before = await countExtensions(server);
      const plan: Plan = { ...schedule.pauseLoad, cells: [{ ...cell, concurrency }] };
      const load = await generateLoad(plan);
      const extensions = await countExtensions(server) - before;
      loads.push(load);
      for (const { requests, latency } of load.cells) {
        figures.push({ name: arm.name, concurrency, requests, extensions, latency });
      }
    }
  }
  return { figures, loads };
}

function startArm(arm: Arm, stateDir: string): Promise<ServerProcess> {
  const window = `${arm.windowAheadMs}ms`;
  const flags = [
    `--window-ahead=${window}`,
    `--failover-advance=${window}`,
    `--refill-fraction=${arm.refillFraction}`,
  ];
  return startOracle({ stateDir, flags });
}

function countExtensions(server: ServerProcess): Promise<number> {
  return readCounter(server, "tsoracle_window_extensions_total");
}
