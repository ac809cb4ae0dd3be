// SPDX-License-Identifier: Apache-2.0

import { join } from "node:path";
import type { BenchOutput } from "./process/bench_process.ts";
import { runBenchCommand } from "./process/bench_process.ts";
import { startMemoryOracle, startOracle } from "./process/oracle_server.ts";

/** A number of callers that share one client, and timestamps of each call. */
export interface MatrixRow {
  readonly callers: number;
  readonly batch: number;
  /** Requests of the client under way at most. */
  readonly maxInFlight: number;
}

/** The rows that the original published (behaviour.md 11.4). */
export const PUBLISHED_ROWS: readonly MatrixRow[] = [
  { callers: 1, batch: 1, maxInFlight: 2 },
  { callers: 16, batch: 1, maxInFlight: 2 },
  { callers: 256, batch: 1, maxInFlight: 2 },
  { callers: 1024, batch: 1, maxInFlight: 2 },
  { callers: 64, batch: 64, maxInFlight: 2 },
];

/** What more or fewer requests under way are worth. */
export const IN_FLIGHT_ROWS: readonly MatrixRow[] = [
  { callers: 256, batch: 1, maxInFlight: 1 },
  { callers: 256, batch: 1, maxInFlight: 4 },
];

/** Where the server keeps its high-water. */
export const MATRIX_DRIVERS = ["memory", "file"] as const;

/** What one row came to. */
export interface MatrixCell extends MatrixRow, BenchOutput {
  readonly driver: typeof MATRIX_DRIVERS[number];
}

/** How {@linkcode measureMatrix} measures. */
export interface MatrixOptions {
  /** A new directory on a disk. */
  readonly directory: string;
  readonly rows: readonly MatrixRow[];
  /** Milliseconds before each measurement. */
  readonly warmUpMs: number;
  /** Milliseconds of each measurement. */
  readonly measureMs: number;
}

/**
 * `tsoracle bench` against the oracle, each in a process of its own. The drivers stand side by side within a
 * row, so that what disturbs one disturbs the other.
 */
export async function measureMatrix(options: MatrixOptions): Promise<readonly MatrixCell[]> {
  const { directory, rows, warmUpMs, measureMs } = options;
  await using memory = await startMemoryOracle();
  await using file = await startOracle({ stateDir: join(directory, "matrix") });
  const servers = { memory, file };
  const cells: MatrixCell[] = [];
  for (const row of rows) {
    for (const driver of MATRIX_DRIVERS) {
      const output = await runBenchCommand([
        `--endpoint=127.0.0.1:${servers[driver].port}`,
        `--callers=${row.callers}`,
        `--batch=${row.batch}`,
        `--max-in-flight=${row.maxInFlight}`,
        `--warmup=${warmUpMs}ms`,
        `--duration=${measureMs}ms`,
      ]);
      cells.push({ ...output, ...row, driver });
    }
  }
  return cells;
}
