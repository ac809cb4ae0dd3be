// SPDX-License-Identifier: Apache-2.0

import type { RecordableHistogram } from "node:perf_hooks";
import { createHistogram } from "node:perf_hooks";

/** Percentiles of a set of durations, in milliseconds. All are 0 for an empty set. */
export interface LatencyFigures {
  /** Half of the durations are at most this long. */
  readonly p50Ms: number;
  /** 90 % are at most this long. */
  readonly p90Ms: number;
  /** 99 % are at most this long. */
  readonly p99Ms: number;
  /** 99.9 % are at most this long. */
  readonly p999Ms: number;
  /** The longest. */
  readonly maxMs: number;
}

const NS_PER_MS = 1_000_000;

/**
 * Durations in the HDR histogram of the runtime: three significant digits, so that a percentile is at most
 * 0.1 % too high; the maximum is kept exactly. Its size does not depend on how many there are.
 */
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
