// SPDX-License-Identifier: Apache-2.0

import { getLogger } from "@logtape/logtape";
import type { CounterName, HistogramName, Metrics } from "./metrics.ts";
import { COUNTERS } from "./metrics.ts";

const logger = getLogger(["tsoracle", "server"]);

/**
 * Counts for the heartbeat and passes everything on to the embedder's metrics. A sink that throws is
 * reported once and cannot disturb the oracle.
 */
export class Meter implements Metrics {
  readonly #sink: Metrics;
  readonly #totals: Record<CounterName, number>;
  #complained = false;

  /** Makes a meter in front of `sink`. */
  constructor(sink: Metrics) {
    this.#sink = sink;
    this.#totals = Object.fromEntries(
      Object.keys(COUNTERS).map((name) => [name, 0]),
    ) as Record<CounterName, number>;
  }

  /** What a counter has reached since the start. */
  total(name: CounterName): number {
    return this.#totals[name];
  }

  /** Adds to a counter. */
  count(name: CounterName, by = 1): void {
    this.#totals[name] += by;
    try {
      this.#sink.count(name, by);
    } catch (error) {
      this.#complain(error);
    }
  }

  /** Records one value: a duration in seconds, unless the help text says otherwise. */
  observe(name: HistogramName, value: number): void {
    try {
      this.#sink.observe(name, value);
    } catch (error) {
      this.#complain(error);
    }
  }

  #complain(error: unknown): void {
    if (this.#complained) return;
    this.#complained = true;
    logger.error("the metrics sink throws; its figures are lost from here on", { error });
  }
}
