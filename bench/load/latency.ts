// SPDX-License-Identifier: Apache-2.0

import type { RecordableHistogram } from "node:perf_hooks";
import { createHistogram } from "node:perf_hooks";

/** Percentiles of a set of durations, in milliseconds. All are 0 for an empty set. */
export interface LatencyFigures {
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

const NS_PER_MS = 1_000_000;

/** Durations in a histogram with three significant digits; the maximum is kept exactly. */
export class Latencies {
  readonly #histogram: RecordableHistogram = createHistogram();
  #maxMs = 0;

  /** How many durations were recorded. */
  get size(): number {
    return Number(this.#histogram.count);
  }

  /** Records one duration in milliseconds. */
  record(ms: number): void {
    this.#histogram.record(Math.max(1, Math.round(ms * NS_PER_MS)));
    if (ms > this.#maxMs) this.#maxMs = ms;
  }

  /** The figures so far. */
  figures(): LatencyFigures {
    const at = (percentile: number) =>
      this.size === 0
        ? 0
        : Math.min(this.#maxMs, this.#histogram.percentile(percentile) / NS_PER_MS);
    return { p50Ms: at(50), p90Ms: at(90), p99Ms: at(99), p999Ms: at(99.9), maxMs: this.#maxMs };
  }
}
