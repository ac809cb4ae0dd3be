// SPDX-License-Identifier: Apache-2.0

import type { LatencyFigures } from "../src/cli/bench/latencies.ts";
import type { AloneFigures } from "./client_alone.ts";
import type { MatrixCell } from "./client_matrix.ts";
import { formatAlone, formatMatrix, formatSequences } from "./client_report.ts";
import { grouped, milliseconds } from "./figures.ts";
import type { InProcessRates } from "./in_process.ts";
import type { Protocol } from "./load/connection.ts";
import type { CellResult, LoadResult } from "./load/plan.ts";
import type { Machine } from "./machine.ts";
import type { NetworkPauses } from "./network.ts";
import type { PauseFigures } from "./pauses.ts";
import type { OtherLoad } from "./quiet.ts";
import type { Rate } from "./rate.ts";
import { summarize } from "./rate.ts";
import type { SequenceFigures } from "./sequences.ts";
import { formatTable } from "./table.ts";

/** All that a run found. */
export interface Report {
  /** Whether the figures mean nothing. */
  readonly quick: boolean;
  /** Where it was made. */
  readonly machine: Machine;
  /** What else the machine did. */
  readonly otherLoad: OtherLoad;
  /** Milliseconds of the small windows. */
  readonly windowAheadMs: number;
  /** Rates without a network. */
  readonly inProcess: InProcessRates;
  /** Pauses without a network. */
  readonly pauses: readonly PauseFigures[];
  /** Calls over the network. */
  readonly protocols: LoadResult;
  /** Pauses over the network. */
  readonly networkPauses: NetworkPauses;
  /** Calls of the client without a network. */
  readonly clientAlone: readonly AloneFigures[];
  /** Calls of the client over the network. */
  readonly clientMatrix: readonly MatrixCell[];
  /** Ordinals without a network. */
  readonly sequences: readonly SequenceFigures[];
}

const PROTOCOL_NAMES: Readonly<Record<Protocol, string>> = {
  "grpc": "gRPC, h2c",
  "grpc-web": "gRPC-Web, HTTP/1.1",
  "connect-json": "Connect JSON, HTTP/1.1",
};

/** Other load from which on a run is called noisy. */
const NOISY_OTHERS = 0.05;
const NOISY_STOLEN = 0.05;

/** One line for everything that makes a run worthless. */
export function faultsOf(report: Report): readonly string[] {
  return [
    ...loadsOf(report).flatMap(loadFaults),
    ...report.clientMatrix.flatMap(cellFaults),
    ...report.sequences.filter(({ violations }) => violations > 0).map(({ arm, callers }) =>
      `ordinals, ${arm} x ${callers}: given twice or not at all`
    ),
  ];
}

function cellFaults(cell: MatrixCell): readonly string[] {
  const wrong = cell.violations + cell.wentBack;
  const name = `client, ${cell.driver}, ${cell.callers} x ${cell.batch}`;
  return [
    ...cell.errors.map(({ count, message }) => `${name}: ${count} calls failed: ${message}`),
    ...wrong > 0 ? [`${name}: ${wrong} answers broke the order`] : [],
  ];
}

function loadFaults({ cells, violations }: LoadResult): readonly string[] {
  return [
    ...cells.filter(({ errors }) => errors > 0).map(({ target, protocol, concurrency, ...cell }) =>
      `${target}, ${protocol} x ${concurrency}: ${cell.errors} calls failed: ${cell.firstError}`
    ),
    ...violations > 0 ? [`${violations} answers repeated a timestamp or stepped back`] : [],
  ];
}

function loadsOf({ protocols, networkPauses }: Report): readonly LoadResult[] {
  return [protocols, ...networkPauses.loads];
}

/** The report as Markdown, so that it can be read in a terminal and pasted into a page. */
export function formatReport(report: Report): string {
  const { inProcess, pauses, protocols, networkPauses, windowAheadMs } = report;
  const { clientAlone, clientMatrix, sequences } = report;
  const checked = loadsOf(report).reduce((sum, load) => sum + load.checkedAnswers, 0) +
    clientMatrix.reduce((sum, cell) => sum + cell.checked, 0);
  const title = report.quick ? ["A quick run: its figures mean nothing."] : [];
  return [
    ...title,
    formatMachine(report),
    `In process, calls per second\n\n${formatInProcess(inProcess)}`,
    `Over the network, one timestamp per call\n\n${formatProtocols(protocols.cells)}`,
    ...formatComparisons(protocols.cells),
    `Pauses in process, windows of ${windowAheadMs} ms\n\n${formatPauses(pauses)}`,
    `Pauses over gRPC, windows of ${windowAheadMs} ms\n\n${
      formatNetworkPauses(networkPauses.figures)
    }`,
    `The client alone, awaited calls per second\n\n${formatAlone(clientAlone)}`,
    `The client, callers of one process (tsoracle bench)\n\n${formatMatrix(clientMatrix)}`,
    `Ordinals in process, with a durable write each and with group commit\n\n${
      formatSequences(sequences)
    }`,
    `${grouped(checked)} answers were checked for order and for repeats.`,
  ].join("\n\n");
}

function formatMachine({ machine, otherLoad }: Report): string {
  const { others = 0, stolen = 0, loadAverage } = otherLoad;
  const noisy = others > NOISY_OTHERS || stolen > NOISY_STOLEN;
  return [
    `${machine.date}, commit ${machine.commit}`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB; ${machine.kernel}; ${machine.disk}`,
    machine.runtimes.join(", "),
    `other load: load average ${
      loadAverage.toFixed(2)
    } before the run; during it other processes had ` +
    `${percent(others)} of the processors, other guests ${percent(stolen)}` +
    (noisy ? " (NOISY: repeat on a quiet machine)" : ""),
  ].join("\n");
}

function formatInProcess(rates: InProcessRates): string {
  const row = (name: string, { median, lowest, highest }: Rate) => [
    name,
    grouped(median),
    grouped(lowest),
    grouped(highest),
  ];
  return formatTable(["", "median", "lowest", "highest"], [
    row("allocator.tryGrant", rates.allocatorGrants),
    row("oracle.getTs", rates.oracleGetTs),
    row("await oracle.getTs", rates.oracleGetTsAwaited),
  ]);
}

function formatProtocols(cells: readonly CellResult[]): string {
  const rows = cells.map((cell) => {
    const { median, lowest, highest } = summarize(cell.perSecond);
    return [
      `${PROTOCOL_NAMES[cell.protocol]}`,
      cell.target,
      `${cell.concurrency}`,
      `${cell.connections}`,
      grouped(median),
      `${grouped(lowest)} to ${grouped(highest)}`,
      ...[cell.latency.p50Ms, cell.latency.p90Ms, cell.latency.p99Ms, cell.latency.maxMs]
        .map(milliseconds),
      microseconds(cell.cpuMsPerRequest),
    ];
  });
  return formatTable([
    "protocol",
    "server",
    "callers",
    "connections",
    "requests/s",
    "rounds",
    "p50 ms",
    "p90 ms",
    "p99 ms",
    "max ms",
    "CPU us/request",
  ], rows);
}

/** Ratios of rounds that ran side by side; they hold where absolute figures drift. */
function formatComparisons(cells: readonly CellResult[]): readonly string[] {
  const ours = cells.filter(({ target }) => target === "deno");
  if (ours.length === cells.length) return [];
  const rows = ours.flatMap((cell) =>
    cells.filter((other) =>
      other.target !== "deno" && other.protocol === cell.protocol &&
      other.concurrency === cell.concurrency
    ).map((other) => [
      PROTOCOL_NAMES[cell.protocol],
      `${cell.concurrency}`,
      `${other.target} / deno`,
      ratio(summarize(other.perSecond).median, summarize(cell.perSecond).median),
      ratio(other.cpuMsPerRequest, cell.cpuMsPerRequest),
    ])
  );
  const table = formatTable(["protocol", "callers", "servers", "requests/s", "CPU/request"], rows);
  return [`Compared in the same run\n\n${table}`];
}

function ratio(value: number | undefined, to: number | undefined): string {
  return value === undefined || to === undefined ? "-" : (value / to).toFixed(2);
}

function formatPauses(figures: readonly PauseFigures[]): string {
  const rows = figures.map(({ name, requests, extensions, waited = 0, latency, writes }) => [
    name,
    grouped(requests),
    `${extensions}`,
    `${waited}`,
    ...pauseTimes(latency),
    writes === undefined || extensions === 0
      ? "-"
      : `${milliseconds(writes.p50Ms)} / ${milliseconds(writes.maxMs)}`,
  ]);
  return formatTable(
    ["windows", "requests", "extensions", "waited", ...PAUSE_TIMES, "write p50 / max ms"],
    rows,
  );
}

function formatNetworkPauses(figures: NetworkPauses["figures"]): string {
  const rows = figures.map(({ name, concurrency, requests, extensions, latency }) => [
    name,
    `${concurrency}`,
    grouped(requests),
    `${extensions}`,
    ...pauseTimes(latency),
  ]);
  return formatTable(["windows", "callers", "requests", "extensions", ...PAUSE_TIMES], rows);
}

const PAUSE_TIMES = ["p50 ms", "p99 ms", "p99.9 ms", "worst ms"] as const;

function pauseTimes({ p50Ms, p99Ms, p999Ms, maxMs }: LatencyFigures): readonly string[] {
  return [p50Ms, p99Ms, p999Ms, maxMs].map(milliseconds);
}

function microseconds(ms: number | undefined): string {
  return ms === undefined ? "-" : grouped(ms * 1_000);
}

function percent(part: number): string {
  return `${(part * 100).toFixed(0)}%`;
}
