// SPDX-License-Identifier: Apache-2.0

/**
 * `deno task bench`: one run on one machine, from the arithmetic to the wire. It takes about three minutes,
 * checks every answer, and exits 1 if one was wrong.
 *
 * @module
 */

import { join } from "node:path";
import process from "node:process";
import { measureClientAlone } from "./client_alone.ts";
import { measureMatrix } from "./client_matrix.ts";
import { measureInProcess } from "./in_process.ts";
import { describeMachine } from "./machine.ts";
import { measureNetworkPauses, measureProtocols } from "./network.ts";
import type { BenchOptions } from "./options.ts";
import { readOptions, USAGE } from "./options.ts";
import { measurePauses } from "./pauses.ts";
import { QuietWatch } from "./quiet.ts";
import type { Report } from "./report.ts";
import { faultsOf, formatReport } from "./report.ts";
import { FULL, QUICK } from "./schedule.ts";
import { measureSequences } from "./sequences.ts";

/** Measures everything. */
export async function runBench(options: BenchOptions): Promise<Report> {
  const { quick } = options;
  const schedule = quick ? QUICK : FULL;
  const directory = await Deno.makeTempDir({ dir: options.directory, prefix: ".tsoracle-bench-" });
  try {
    const machine = await describeMachine(directory);
    const watch = await QuietWatch.start();
    const inProcess = await measureInProcess(schedule.inProcess);
    const { windowAheadMs } = schedule;
    const pauses = await measurePauses({
      ...schedule.pauses,
      windowAheadMs,
      directory: join(directory, "pauses"),
    });
    const protocols = await measureProtocols(directory, schedule);
    const networkPauses = await measureNetworkPauses(directory, schedule);
    const clientAlone = await measureClientAlone(schedule.clientAlone);
    const clientMatrix = await measureMatrix({ ...schedule.matrix, directory });
    const sequences = await measureSequences({ ...schedule.sequences, directory });
    const otherLoad = await watch.result();
    return {
      quick,
      machine,
      otherLoad,
      windowAheadMs,
      inProcess,
      pauses,
      protocols,
      networkPauses,
      clientAlone,
      clientMatrix,
      sequences,
    };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function main(args: readonly string[]): Promise<void> {
  const options = readOptions(args);
  if (options === "help") return console.log(USAGE);
  console.error(`measuring for about ${options.quick ? 15 : 180} seconds`);
  const report = await runBench(options);
  console.log(options.json ? JSON.stringify(report, undefined, 2) : formatReport(report));
  const faults = faultsOf(report);
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exitCode = 1;
}

if (import.meta.main) await main(Deno.args);
