// SPDX-License-Identifier: Apache-2.0

import { grouped, milliseconds } from "../figures.ts";
import { summarize } from "../rate.ts";
import { formatTable } from "../table.ts";
import type { Findings } from "./findings.ts";
import type { RateKey } from "./goals.ts";
import { judge, rateOf, ratioOf } from "./goals.ts";
import type { RateCell } from "./rates.ts";
import type { ServerName } from "./servers.ts";
import { SERVER_NAMES } from "./servers.ts";

const NONE = "-";
const OTHERS: readonly ServerName[] = SERVER_NAMES.filter((name) => name !== "edge");

/** What a run found as Markdown, so that it can be read in a terminal and pasted into a page. */
export function formatFindings(findings: Findings): string {
  const { machine: { date, commit, cpu, runtimes }, otherLoad, edge } = findings;
  const part = (share: number | undefined) =>
    share === undefined ? "unknown" : `${Math.round(share * 100)} %`;
  const sections: readonly (readonly [title: string, text: string])[] = [
    ["Goals", formatGoals(findings)],
    ["Requests per second", formatRates(findings.rates)],
    ["Processor time of the server, us/request", formatCpu(findings.rates)],
    ["A lone caller", formatLoneCallers(findings)],
    ["Latencies, one connection", formatLatencies(findings)],
    ["Through the client", formatPublished(findings)],
    ["Memory, MiB", formatMemory(findings)],
  ];
  return [
    `${date}, commit ${commit}, ${cpu}, ${runtimes.join(", ")}, edge: ${edge}`,
    `Other processes used ${part(otherLoad.others)} of the processors, other guests of the host ` +
    `${part(otherLoad.stolen)}.`,
    ...sections.filter(([, text]) => text !== "").map(([title, text]) => `## ${title}\n\n${text}`),
  ].join("\n\n");
}

function formatGoals(findings: Findings): string {
  return formatTable(
    ["goal", "runtime", "is", "wanted", "met"],
    judge(findings).map(({ goal, runtime, value, sense, bound, isMet }) => [
      goal,
      runtime,
      ratio(value),
      `${sense} ${bound}`,
      isMet ? "yes" : "NO",
    ]),
  );
}

/** One row for each way to ask on each runtime. */
function rowsOf(rates: readonly RateCell[]): readonly Omit<RateKey, "server">[] {
  const edges = rates.filter(({ server }) => server === "edge");
  return edges.map(({ load, shape, runtime }) => ({ load, shape, runtime }));
}

function formatRates(rates: readonly RateCell[]): string {
  const rows = rowsOf(rates).map((key) => {
    const cell = (server: ServerName) => rateOf(rates, { ...key, server });
    return [
      ...[key.load, key.shape, key.runtime],
      ...SERVER_NAMES.map((name) => median(cell(name)?.perSecond, grouped)),
      ...OTHERS.map((name) => ratio(ratioOf(cell("edge"), cell(name)))),
    ];
  });
  const head = ["load", "shape", "runtime", ...SERVER_NAMES];
  return formatTable([...head, ...OTHERS.map((name) => `edge / ${name}`)], rows);
}

function formatCpu(rates: readonly RateCell[]): string {
  const rows = rowsOf(rates).map((key) => [
    ...[key.load, key.shape, key.runtime],
    ...SERVER_NAMES.map((server) => median(rateOf(rates, { ...key, server })?.cpuUs, short)),
  ]);
  return formatTable(["load", "shape", "runtime", ...SERVER_NAMES], rows);
}

function formatLoneCallers({ loneCallers }: Findings): string {
  return formatTable(
    ["runtime", "bytes there", "bytes back", "client p50 ms", "echo p50 ms"],
    loneCallers.map(({ runtime, bytes, clientP50Ms, echoP50Ms }) => [
      runtime,
      grouped(bytes.request),
      grouped(bytes.answer),
      clientP50Ms.toFixed(3),
      echoP50Ms.toFixed(3),
    ]),
  );
}

function formatLatencies({ latencies: { cells } }: Findings): string {
  return formatTable(
    ["server", "at a time", "requests", "p50 ms", "p99 ms", "p99.9 ms", "max ms"],
    cells.map(({ target, concurrency, requests, latency }) => [
      target,
      String(concurrency),
      grouped(requests),
      ...[latency.p50Ms, latency.p99Ms, latency.p999Ms, latency.maxMs].map(milliseconds),
    ]),
  );
}

function formatPublished({ published }: Findings): string {
  if (published.length === 0) return "";
  return formatTable(
    ["runtime", "callers", "batch", "calls/s", "timestamps/s", "p50 ms", "p99 ms", "p99.9 ms"],
    published.map(({ runtime, callers, batch, latency, ...cell }) => [
      runtime,
      String(callers),
      String(batch),
      grouped(cell.callsPerSecond),
      grouped(cell.timestampsPerSecond),
      ...[latency.p50Ms, latency.p99Ms, latency.p999Ms].map(milliseconds),
    ]),
  );
}

function formatMemory({ memory }: Findings): string {
  if (memory.length === 0) return "";
  return formatTable(
    ["runtime", "calls", "before, and after each twentieth"],
    memory.map(({ runtime, calls, rssMiB }) => [runtime, grouped(calls), rssMiB.join(" ")]),
  );
}

function median(rounds: readonly number[] = [], format: (value: number) => string): string {
  return rounds.length === 0 ? NONE : format(summarize(rounds).median);
}

function ratio(value: number): string {
  return Number.isNaN(value) ? NONE : short(value);
}

function short(value: number): string {
  return value < 10 ? value.toFixed(2) : value.toFixed(0);
}
