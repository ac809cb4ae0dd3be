// SPDX-License-Identifier: Apache-2.0

import type { LatencyFigures } from "../../src/cli/bench/latencies.ts";
import { runBenchCommand } from "../process/bench_process.ts";
import { outputOf } from "../process/output_of.ts";
import type { Pin } from "../process/pinned.ts";
import { ServerProcess } from "../process/server_process.ts";
import { summarize } from "../rate.ts";
import { bytesOfACall } from "./bytes_of_a_call.ts";
import type { EchoPlan } from "./load/echo.ts";
import type { LoadTimes } from "./loads.ts";
import type { Runner, Runtime } from "./runners.ts";
import { DENO } from "./runners.ts";
import type { MeasuredServer } from "./servers.ts";
import type { CallBytes } from "./targets/echo.ts";

/** A lone caller beside a bare TCP echo of the same bytes, on the same runtimes. */
export interface LoneCaller {
  /** Of the server. The caller is on Deno. */
  readonly runtime: Runtime;
  /** What a call sends and receives. */
  readonly bytes: CallBytes;
  /** Median of the rounds' medians, in milliseconds. */
  readonly clientP50Ms: number;
  /** The same of the echo. */
  readonly echoP50Ms: number;
}

/** How {@linkcode measureLoneCallers} measures. */
export interface LoneCallerOptions extends LoadTimes {
  readonly runners: readonly Runner[];
  readonly pin: Pin;
  readonly rounds: number;
}

/** Asks the edge on each runtime through the client, in turns with an echo on that runtime. */
export async function measureLoneCallers(
  servers: readonly MeasuredServer[],
  options: LoneCallerOptions,
): Promise<readonly LoneCaller[]> {
  const found: LoneCaller[] = [];
  for (const runner of options.runners) {
    const edge = servers.find(({ name, runtime }) => name === "edge" && runtime === runner.runtime);
    if (edge !== undefined) found.push(await measureLoneCaller(edge, runner, options));
  }
  return found;
}

async function measureLoneCaller(
  { process: { port } }: MeasuredServer,
  runner: Runner,
  options: LoneCallerOptions,
): Promise<LoneCaller> {
  const { pin, rounds, warmUpMs, measureMs } = options;
  const bytes = await bytesOfACall(port);
  const program = runner.program("targets", ["echo", JSON.stringify(bytes)]);
  await using echo = await ServerProcess.start(pin("server", program));
  const plan: EchoPlan = { port: echo.port, bytes, warmUpMs, measureMs };
  const client: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < rounds; round++) {
    client.push((await callAlone(port, options)).p50Ms);
    const echoLoad = DENO.program("echo", [JSON.stringify(plan)]);
    const figures: LatencyFigures = JSON.parse(await outputOf(pin("load", echoLoad)));
    bare.push(figures.p50Ms);
  }
  return {
    runtime: runner.runtime,
    bytes,
    clientP50Ms: summarize(client).median,
    echoP50Ms: summarize(bare).median,
  };
}

async function callAlone(port: number, options: LoneCallerOptions): Promise<LatencyFigures> {
  const { latency } = await runBenchCommand([
    `--endpoint=127.0.0.1:${port}`,
    "--callers=1",
    `--warmup=${options.warmUpMs}ms`,
    `--duration=${options.measureMs}ms`,
  ], options.pin);
  return latency;
}
