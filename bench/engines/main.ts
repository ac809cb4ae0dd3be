// SPDX-License-Identifier: Apache-2.0

/**
 * `deno task bench:engines`: how long the calls of each driver take, on Deno and on Node. Engines that are not on this
 * machine are left out.
 *
 * @module
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { grouped, milliseconds } from "../figures.ts";
import type { Machine } from "../machine.ts";
import { describeMachine } from "../machine.ts";
import { readOptions } from "../options.ts";
import type { OtherLoad } from "../quiet.ts";
import { QuietWatch } from "../quiet.ts";
import { formatTable } from "../table.ts";
import { ENGINES } from "./engines.ts";
import type { ProbeFigures, ProbePlan } from "./probe_plan.ts";

const PROBE = fileURLToPath(new URL("./probe.ts", import.meta.url));

/** One row of the table. */
export interface EngineFigures extends ProbeFigures {
  /** The engine. */
  readonly engine: string;
  /** What the driver ran on. */
  readonly runtime: string;
}

/** All that a run found. */
export interface EngineReport {
  /** Where it was made. */
  readonly machine: Machine;
  /** What else the machine did. */
  readonly otherLoad: OtherLoad;
  /** The figures. */
  readonly rows: readonly EngineFigures[];
}

const USAGE = `deno task bench:engines [--quick] [--json] [--dir DIRECTORY]

  --quick  a run of a few seconds that shows that everything works; its figures mean nothing
  --json   JSON instead of a table
  --dir    where to keep the state of the file driver: a directory on the disk to measure (default: .)
           etcd and PostgreSQL keep theirs below the directory for temporary files (TMPDIR)
`;

interface Runner {
  readonly runtime: string;
  readonly program: readonly [string, ...string[]];
}

async function measureEngines(directory: string, isQuick: boolean): Promise<EngineReport> {
  const machine = await describeMachine(directory);
  const watch = await QuietWatch.start();
  const runners = await findRunners(directory);
  const limits = isQuick ? { warmUpMs: 20, measureMs: 100 } : { warmUpMs: 1_000, measureMs: 5_000 };
  const rows: EngineFigures[] = [];
  for (const { name: engine, missing, start } of ENGINES) {
    if (missing !== undefined) console.error(`${engine} is left out: it ${missing}`);
    else {
      await using started = await start(directory);
      for (const runner of runners) {
        const figures = await probe(runner, { ...limits, target: started.target() });
        rows.push(...figures.map((each) => ({ engine, runtime: runner.runtime, ...each })));
      }
    }
  }
  return { machine, otherLoad: await watch.result(), rows };
}

async function findRunners(directory: string): Promise<readonly Runner[]> {
  const deno: Runner = { runtime: "deno", program: [Deno.execPath(), "run", "-A", PROBE] };
  const bundle = join(directory, "probe.mjs");
  const args = ["bundle", "-q", PROBE, "-o", bundle];
  await new Deno.Command(Deno.execPath(), { args, stdin: "null" }).output();
  const hasNode = await new Deno.Command("node", { args: ["--version"] }).output()
    .then(({ success }) => success, () => false);
  return hasNode ? [deno, { runtime: "node", program: ["node", bundle] }] : [deno];
}

async function probe(runner: Runner, plan: ProbePlan): Promise<readonly ProbeFigures[]> {
  const [file, ...args] = runner.program;
  const command = new Deno.Command(file, {
    args: [...args, JSON.stringify(plan)],
    stdin: "null",
  });
  const { success, stdout, stderr } = await command.output();
  if (success) return JSON.parse(new TextDecoder().decode(stdout));
  throw new Error(`the probe failed on ${runner.runtime}: ${new TextDecoder().decode(stderr)}`);
}

function formatRows(rows: readonly EngineFigures[]): string {
  return formatTable(
    ["engine", "runtime", "call", "callers", "calls/s", "p50 ms", "p99 ms", "max ms"],
    rows.map(({ engine, runtime, call, callers, perSecond, latency }) => [
      engine,
      runtime,
      call,
      String(callers),
      grouped(perSecond),
      milliseconds(latency.p50Ms),
      milliseconds(latency.p99Ms),
      milliseconds(latency.maxMs),
    ]),
  );
}

async function main(args: readonly string[]): Promise<void> {
  const options = readOptions(args);
  if (options === "help") return console.log(USAGE);
  const directory = await Deno.makeTempDir({ dir: options.directory, prefix: ".tsoracle-bench-" });
  try {
    const report = await measureEngines(directory, options.quick);
    console.log(options.json ? JSON.stringify(report, undefined, 2) : formatRows(report.rows));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

if (import.meta.main) await main(Deno.args);
