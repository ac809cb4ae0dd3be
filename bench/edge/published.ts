// SPDX-License-Identifier: Apache-2.0

import type { MatrixRow } from "../client_matrix.ts";
import type { BenchOutput } from "../process/bench_process.ts";
import { runBenchCommand } from "../process/bench_process.ts";
import type { Pin } from "../process/pinned.ts";
import type { LoadTimes } from "./loads.ts";
import type { Runtime } from "./runners.ts";
import type { MeasuredServer } from "./servers.ts";

/** A row of the table that the original published (behaviour.md 11.4), through our client on our edge. */
export interface PublishedCell extends MatrixRow, BenchOutput {
  /** Of the server. The client is on Deno. */
  readonly runtime: Runtime;
}

/** How {@linkcode measurePublished} measures. */
export interface PublishedOptions extends LoadTimes {
  readonly rows: readonly MatrixRow[];
  readonly pin: Pin;
}

/** Measures each row on each server in turn. */
export async function measurePublished(
  servers: readonly MeasuredServer[],
  options: PublishedOptions,
): Promise<readonly PublishedCell[]> {
  const { rows, pin, warmUpMs, measureMs } = options;
  const cells: PublishedCell[] = [];
  for (const row of rows) {
    for (const { runtime, process: { port } } of servers) {
      const output = await runBenchCommand([
        `--endpoint=127.0.0.1:${port}`,
        `--callers=${row.callers}`,
        `--batch=${row.batch}`,
        `--max-in-flight=${row.maxInFlight}`,
        `--warmup=${warmUpMs}ms`,
        `--duration=${measureMs}ms`,
      ], pin);
      cells.push({ ...output, ...row, runtime });
    }
  }
  return cells;
}
