// SPDX-License-Identifier: Apache-2.0

import { orAborted } from "../core/abortable.ts";
import type { OracleSettings } from "./options.ts";
import type { ServingCore } from "./serving_core.ts";
import type { WindowExtender } from "./window.ts";

/** Shortest pause between two looks, so that a refill that fails does not spin. */
const MIN_PAUSE_MS = 250;

/** What {@linkcode keepWindowFresh} works with. */
export interface IdleRefillOptions {
  /** Checked settings of the oracle. */
  readonly settings: OracleSettings;
  /** Allocator and certainty. */
  readonly core: ServingCore;
  /** Does the refill. */
  readonly extender: WindowExtender;
  /** Ends the loop. */
  readonly stop: AbortSignal;
}

/**
 * Keeps the window ahead of the clock while nobody asks, so that the first call after an idle hour does not
 * wait. Each window is refilled at most once: when the clock has used it up to the part at which a grant
 * would refill it as well. Runs until the stop, then throws the stop's reason.
 */
export async function keepWindowFresh(options: IdleRefillOptions): Promise<void> {
  const { settings, core, extender, stop } = options;
  const { clock, windowAheadMs, refillBelowMs } = settings;
  const minPauseMs = Math.min(MIN_PAUSE_MS, refillBelowMs / 2);
  for await (const state of core.watch(stop)) {
    if (state.kind !== "serving") continue;
    const { termSignal } = core;
    while (!termSignal.aborted && !stop.aborted) {
      const leftMs = (core.allocator.highWaterMs ?? 0) - clock.nowMs();
      if (leftMs <= refillBelowMs) extender.refill(clock.nowMs());
      const dueMs = Math.ceil(leftMs - refillBelowMs);
      const pauseMs = Math.min(Math.max(dueMs, minPauseMs), windowAheadMs);
      await orAborted(clock.delay(pauseMs, { signal: termSignal }), termSignal);
    }
  }
}
