// SPDX-License-Identifier: Apache-2.0

import type { LatencyFigures } from "../src/cli/bench/latencies.ts";
import type { AloneFigures } from "./client_alone.ts";
import type { MatrixCell } from "./client_matrix.ts";
import { grouped, milliseconds } from "./figures.ts";
import type { SequenceFigures } from "./sequences.ts";
import { formatTable } from "./table.ts";

const TIMES = ["p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms"] as const;

/** What the client itself can do. */
export function formatAlone(figures: readonly AloneFigures[]): string {
  const rows = figures.map(({ callers, calls: { median, lowest, highest } }) => [
    `${callers}`,
    ...[median, lowest, highest].map(grouped),
  ]);
  return formatTable(["callers", "median", "lowest", "highest"], rows);
}

/** The table of behaviour.md 11.4, with more percentiles. */
export function formatMatrix(cells: readonly MatrixCell[]): string {
  const rows = cells.map(({ driver, callers, batch, maxInFlight, latency, ...cell }) => [
    driver,
    `${callers}`,
    `${batch}`,
    `${maxInFlight}`,
    grouped(cell.callsPerSecond),
    grouped(cell.timestampsPerSecond),
    ...times(latency),
  ]);
  const head = ["driver", "callers", "batch", "in flight", "calls/s", "timestamps/s", ...TIMES];
  return formatTable(head, rows);
}

/** What sharing a durable write is worth. */
export function formatSequences(figures: readonly SequenceFigures[]): string {
  const rows = figures.map(({ arm, callers, perSecond, latency }) => [
    arm,
    `${callers}`,
    grouped(perSecond),
    ...times(latency),
  ]);
  return formatTable(["writes", "callers", "calls/s", ...TIMES], rows);
}

function times({ p50Ms, p90Ms, p99Ms, p999Ms, maxMs }: LatencyFigures): readonly string[] {
  return [p50Ms, p90Ms, p99Ms, p999Ms, maxMs].map(milliseconds);
}
