// SPDX-License-Identifier: Apache-2.0

import { join } from "node:path";
import { PROTOCOLS } from "./load/caller.ts";
import type { Cell, LoadResult, Plan } from "./load/plan.ts";
import type { PauseFigures } from "./pauses.ts";
import { arms } from "./pauses.ts";
import { generateLoad } from "./process/load_process.ts";
import { bundleForNode, readCounter, startFloor, startOracle } from "./process/oracle_server.ts";
import type { ServerProcess } from "./process/server_process.ts";
import type { Schedule } from "./schedule.ts";

/** Callers at a time. */
export const CONCURRENCIES: readonly number[] = [1, 16, 256];

/** The concurrency at which windows and runtimes are compared. */
const MIDDLE = 16;

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
export async function measureNetworkPauses(
  directory: string,
  schedule: Schedule,
): Promise<{ readonly load: LoadResult; readonly figures: readonly PauseFigures[] }> {
  await using stack = new AsyncDisposableStack();
  const probes = [];
  for (const arm of arms(schedule.windowAheadMs)) {
    const window = `${arm.windowAheadMs}ms`;
    const server = stack.use(
      await startOracle({
        stateDir: join(directory, arm.name),
        flags: [
          `--window-ahead=${window}`,
          `--failover-advance=${window}`,
          `--refill-fraction=${arm.refillFraction}`,
        ],
      }),
    );
    probes.push({ arm, server, extensions: new Extensions(server) });
  }
  const cells: readonly Cell[] = probes.map(({ arm, server }) => ({
    target: arm.name,
    port: server.port,
    protocol: "grpc",
    concurrency: MIDDLE,
  }));
  await warmUp(cells, schedule);
  for (const { extensions } of probes) await extensions.start();
  const load = await generateLoad({ ...schedule.pauseLoad, cells });
  const figures: PauseFigures[] = [];
  for (const [index, { arm, extensions }] of probes.entries()) {
    const cell = load.cells[index];
    if (cell === undefined) throw new Error("The load generator left out a cell");
    const { requests, latency } = cell;
    figures.push({ name: arm.name, requests, latency, extensions: await extensions.count() });
  }
  return { load, figures };
}

/** Counts the windows that a server makes durable. */
class Extensions {
  readonly #server: ServerProcess;
  #before = 0;

  constructor(server: ServerProcess) {
    this.#server = server;
  }

  async start(): Promise<void> {
    this.#before = await this.#read();
  }

  async count(): Promise<number> {
    return await this.#read() - this.#before;
  }

  #read(): Promise<number> {
    return readCounter(this.#server, "tsoracle_window_extensions_total");
  }
}
