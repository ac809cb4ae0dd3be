// SPDX-License-Identifier: Apache-2.0

import { getLogger } from "@logtape/logtape";
import type { ServableDriver } from "./open_driver.ts";

const logger = getLogger(["tsoracle", "cli"]);

/** How long an engine may be silent at the start before the log says so, and how often it says so. */
const PATIENCE_MS = 5_000;

/**
 * Tells the log while the engine of a new node cannot be used. A node tries for ever, but nobody should have to guess
 * what it waits for. What cannot pass ends the oracle, which tells of it itself.
 *
 * @param signal ends the watch
 */
export async function watchEngine(driver: ServableDriver, signal: AbortSignal): Promise<void> {
  while (driver.ready !== undefined && !signal.aborted) {
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), PATIENCE_MS);
    const leave = () => patience.abort();
    signal.addEventListener("abort", leave, { once: true });
    try {
      return await driver.ready({ signal: patience.signal });
    } catch (error) {
      if (signal.aborted || !patience.signal.aborted) return;
      logger.warn("the engine cannot be used yet; trying on: {error}", { error });
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", leave);
    }
  }
}
