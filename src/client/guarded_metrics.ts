// SPDX-License-Identifier: Apache-2.0

import type { ClientCounterName, ClientGaugeName, ClientMetrics } from "./metrics.ts";

/** Passes everything on. A sink that throws loses its figures and cannot disturb a call. */
export class GuardedMetrics implements ClientMetrics {
  readonly #sink: ClientMetrics;

  /** Stands in front of `sink`. */
  constructor(sink: ClientMetrics) {
    this.#sink = sink;
  }

  /** Adds to a counter. */
  count(name: ClientCounterName, by: number): void {
    try {
      this.#sink.count(name, by);
    } catch {
      // A library has nowhere to complain to, and the caller's timestamp matters more.
    }
  }

  /** Sets a gauge. */
  gauge(name: ClientGaugeName, value: number): void {
    try {
      this.#sink.gauge(name, value);
    } catch {
      // See above.
    }
  }
}
