// SPDX-License-Identifier: Apache-2.0

import { grouped } from "../figures.ts";
import { formatTable } from "../table.ts";
import type { Sample } from "./samples.ts";

type Timed = Extract<Sample, { readonly ms: number }>;
type Restart = Extract<Sample, { readonly kind: "rolling restart" }>;

/** The tables of docs/performance.md, in Markdown. A kind of which there is no sample has no table. */
export function formatSamples(samples: readonly Sample[]): string {
  const timed = (kind: Timed["kind"]) =>
    samples.filter((sample): sample is Timed => sample.kind === kind);
  const restarts = samples.filter((sample) => sample.kind === "rolling restart");
  const tables = [
    timesTable("from the fault to the first answer of a later term", timed("fail-over")),
    timesTable("longest time without an answer", timed("pause")),
    restartTable(restarts),
  ];
  return tables.filter((table) => table !== "").join("\n\n");
}

function timesTable(title: string, samples: readonly Timed[]): string {
  if (samples.length === 0) return "";
  const rows = [...Map.groupBy(samples, setupOf)].map(([setup, group]) => {
    const ms = group.map((sample) => sample.ms).toSorted((a, b) => a - b);
    const figures = [quantile(ms, 0.5), quantile(ms, 0.99), quantile(ms, 1)].map(grouped);
    return [...setup.split("\t"), grouped(ms.length), ...figures];
  });
  const head = [title, "engine", "lease ms", "window ms", "samples", "p50 ms", "p99 ms", "max ms"];
  return formatTable(head, rows.toSorted((a, b) => a.join().localeCompare(b.join())));
}

function setupOf({ fault, engine, leaseMs, windowAheadMs }: Timed): string {
  return [fault, engine, grouped(leaseMs), grouped(windowAheadMs)].join("\t");
}

function restartTable(samples: readonly Restart[]): string {
  if (samples.length === 0) return "";
  const groups = Map.groupBy(samples, ({ engine, leaseMs }) => `${engine}\t${grouped(leaseMs)}`);
  const rows = [...groups].map(([setup, group]) => {
    const sum = (count: (sample: Restart) => number) =>
      grouped(group.reduce((total, sample) => total + count(sample), 0));
    const sums = [sum(() => 1), sum(({ calls }) => calls), sum(({ failedCalls }) => failedCalls)];
    return [...setup.split("\t"), ...sums];
  });
  return formatTable(["engine", "lease ms", "rolling restarts", "calls", "failed calls"], rows);
}

/** The smallest value that is not exceeded by this part of the values; they are sorted. */
function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? NaN;
}
