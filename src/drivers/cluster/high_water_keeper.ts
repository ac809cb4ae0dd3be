// SPDX-License-Identifier: Apache-2.0

import { checkAdvance } from "../../consensus/errors.ts";
import type { DriverMetrics } from "../../consensus/driver_metrics.ts";
import type { Clock } from "../../core/clock.ts";
import type { Epoch } from "../../core/epoch.ts";
import { wentBack } from "./standing_order.ts";
import type { ClusterStore, StoreCallOptions } from "./store.ts";

/** What a {@linkcode HighWaterKeeper} works with. */
export interface HighWaterKeeperOptions {
  /** The engine. */
  readonly store: ClusterStore;
  /** Measures writes. */
  readonly clock: Clock;
  /** Where to report to. */
  readonly metrics: DriverMetrics;
}

/** The high-water of the store. One that is found below what this node has seen was lost. */
export class HighWaterKeeper {
  readonly #options: HighWaterKeeperOptions;
  #seenMs = 0;

  /** Begins without knowing it. */
  constructor(options: HighWaterKeeperOptions) {
    this.#options = options;
  }

  /**
   * The durable high-water in milliseconds.
   *
   * @throws {PermanentError} if it went back
   */
  async load(options: StoreCallOptions): Promise<number> {
    const known = this.#seenMs;
    return this.#note(await this.#options.store.loadHighWater(options), known);
  }

  /**
   * Raises it under a term.
   *
   * @throws {PermanentError} if it went back
   */
  async persist(atLeastMs: number, epoch: Epoch, options: StoreCallOptions): Promise<number> {
    checkAdvance(atLeastMs);
    const { store, clock, metrics } = this.#options;
    const known = this.#seenMs;
    const startedMs = clock.monotonicMs();
    try {
      return this.#note(await store.persistHighWater(atLeastMs, epoch, options), known);
    } finally {
      const seconds = (clock.monotonicMs() - startedMs) / 1_000;
      metrics.observe("tsoracle.driver.persist_latency", seconds);
    }
  }

  #note(durableMs: number, known: number): number {
    if (durableMs < known) {
      throw wentBack(`the high-water is ${durableMs} and was ${known} before`);
    }
    this.#seenMs = Math.max(this.#seenMs, durableMs);
    return durableMs;
  }
}
