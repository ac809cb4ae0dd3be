// SPDX-License-Identifier: Apache-2.0

import { packTimestamp } from "../../core/timestamp.ts";
import type { OrderViolation } from "../../testing/history_checker.ts";
import type { TimestampSpan } from "../../testing/timestamp_ranges.ts";
import type { LatencyFigures } from "./latencies.ts";
import type { LoadOptions } from "./load_options.ts";
import type { LoadProgress } from "./measurement.ts";
import type { LoadReport } from "./run_load.ts";

/** What a report says about how it came to be. */
export type LoadPlan = Pick<LoadOptions, "loop" | "batch" | "warmUpMs">;

/** The line that tells how far a run has come. */
export function progressLine(progress: LoadProgress, before: LoadProgress | undefined): string {
  const sinceMs = progress.elapsedMs - (before?.elapsedMs ?? 0);
  const perSecond = (progress.answers - (before?.answers ?? 0)) / (sinceMs / 1_000);
  const { errors, violations, open } = progress;
  const parts = [
    `${(progress.elapsedMs / 1_000).toFixed(0).padStart(4)} s`,
    `${grouped(perSecond)} calls/s`,
    progressedTo(progress),
    `${open} under way`,
    ...errors === 0 ? [] : [`${grouped(errors)} failed`],
    ...violations === 0 ? [] : [`${grouped(violations)} OUT OF ORDER`],
  ];
  return `${parts.join("  ")}\n`;
}

function progressedTo({ latency, warmingUp }: LoadProgress): string {
  if (warmingUp) return "warming up";
  return latency === undefined ? "nothing measured yet" : `p99 ${milliseconds(latency.p99Ms)}`;
}

/** The result for people. */
export function reportTable(report: LoadReport, plan: LoadPlan): string {
  const rows: readonly (readonly [string, string])[] = [
    ["load", describeLoop(plan)],
    ["measured", measured(report, plan)],
    ["calls", `${callCount(report, plan)}, ${grouped(report.callsPerSecond)} per second`],
    ["timestamps", `${grouped(report.timestampsPerSecond)} per second`],
    ...latencyRows("latency", report.latency),
    ["error rate", errorRate(report)],
    ...plan.loop.kind === "open" ? openLoopRows(report) : [],
    ["unfinished", grouped(report.unfinished)],
    ...errorRows(report),
    ["checked", checked(report)],
    ...report.wentBack === 0 ? [] : [["", wentBack(report)] as const],
    ...report.firstViolations.map((violation) => ["", describeViolation(violation)] as const),
  ];
  return rows.map(([name, value]) => `${name.padEnd(16)}${value}\n`).join("");
}

/** The result for programs, in one line. */
export function reportJson(report: LoadReport, plan: LoadPlan): string {
  const { lateness, notStarted, due, firstViolations, ...figures } = report;
  const isOpen = plan.loop.kind === "open";
  return `${
    JSON.stringify({
      ...plan,
      ...figures,
      ...isOpen ? { due, lateness, notStarted } : {},
      firstViolations: firstViolations.map(describeViolation),
    })
  }\n`;
}

/** One violation in a sentence. */
export function describeViolation(violation: OrderViolation): string {
  const range = describeSpan(violation.range);
  switch (violation.kind) {
    case "inversion":
      return `${range} was given to a call that began after ${
        pack(violation.floor)
      } had been received`;
    case "overlap":
      return `${range} was given although ${describeSpan(violation.other)} had been received`;
    case "disorder":
      return `${range} is no range of ${violation.range.length ?? "some"} timestamps in a row`;
  }
}

function describeSpan({ first, last }: TimestampSpan): string {
  const [from, to] = [pack(first), pack(last)];
  return from === to ? from : `${from} to ${to}`;
}

/** What is no timestamp is shown as it is. */
function pack(parts: TimestampSpan["first"]): string {
  try {
    return String(packTimestamp(parts.physicalMs, parts.logical));
  } catch {
    return `(${parts.physicalMs}, ${parts.logical})`;
  }
}

function describeLoop({ loop, batch }: LoadPlan): string {
  const timestamps = batch === 1 ? "1 timestamp" : `${grouped(batch)} timestamps`;
  return loop.kind === "closed"
    ? `closed loop, ${grouped(loop.callers)} callers, ${timestamps} a call`
    : `open loop, ${grouped(loop.perSecond)} calls due per second, ${timestamps} a call`;
}

function measured({ measuredMs, endedEarly }: LoadReport, { warmUpMs }: LoadPlan): string {
  const text = `${seconds(measuredMs)} after ${seconds(warmUpMs)} of warm-up`;
  return endedEarly ? `${text}, ended early` : text;
}

function latencyRows(
  name: string,
  figures: LatencyFigures,
): readonly (readonly [string, string])[] {
  const { p50Ms, p90Ms, p99Ms, p999Ms, maxMs } = figures;
  return [
    [`${name} p50`, milliseconds(p50Ms)],
    [`${name} p90`, milliseconds(p90Ms)],
    [`${name} p99`, milliseconds(p99Ms)],
    [`${name} p99.9`, milliseconds(p999Ms)],
    [`${name} max`, milliseconds(maxMs)],
  ];
}

function openLoopRows(report: LoadReport): readonly (readonly [string, string])[] {
  const { lateness, notStarted } = report;
  const late = `p50 ${milliseconds(lateness.p50Ms)}, max ${milliseconds(lateness.maxMs)}`;
  return [
    ["started late by", `${late}; the latencies include it`],
    ["not started", notStarted === 0 ? "0" : `${grouped(notStarted)}; the latencies lack them`],
  ];
}

function callCount({ calls, due }: LoadReport, { loop }: LoadPlan): string {
  return loop.kind === "open" ? `${grouped(calls)} of ${grouped(due)} due` : grouped(calls);
}

/** Percentiles of answers say little where many calls have none. */
function errorRate({ errorRate, failed }: LoadReport): string {
  if (errorRate === 0) return "0 %";
  // Never rounded to none or to all.
  const percent = Math.min(99.99, Math.max(0.01, errorRate * 100)).toFixed(2);
  const text = errorRate === 1 ? "100 %" : `${percent} %`;
  return failed === 0 ? text : `${text}; the latencies lack the calls that failed`;
}

function errorRows(report: LoadReport): readonly (readonly [string, string])[] {
  const { errors, failed, failedLatency, warmUpFailed } = report;
  const { p50Ms, maxMs } = failedLatency;
  const after = `after p50 ${milliseconds(p50Ms)}, max ${milliseconds(maxMs)}`;
  const early = warmUpFailed === 0 ? "" : `, and ${grouped(warmUpFailed)} in the warm-up`;
  return [
    ["failed", `${grouped(failed)}${failed === 0 ? "" : ` ${after}`}${early}`],
    ...errors.map(({ code, count, message }) =>
      ["", `${grouped(count)} x ${code}: ${message}`] as const
    ),
  ];
}

function checked({ checked, unchecked, violations }: LoadReport): string {
  const text = `${grouped(checked)} answers: ` +
    (violations === 0 ? "no value twice, none out of order" : `${grouped(violations)} VIOLATIONS`);
  if (unchecked === 0) return text;
  return `${text}; ${grouped(unchecked)} came too late to be compared with all others`;
}

function wentBack(report: LoadReport): string {
  return `${grouped(report.wentBack)} more WENT BACK and were thrown away by the client`;
}

function grouped(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function milliseconds(ms: number): string {
  return `${ms.toFixed(ms < 1 ? 3 : 2)} ms`;
}
