// SPDX-License-Identifier: Apache-2.0

import type { ConsensusDriver } from "../consensus/driver.ts";

/** The methods that a driver may lack. */
export type OptionalDriverMethod =
  | "loadDenseSeq"
  | "advanceDense"
  | "advanceDenseBatch"
  | "loadLeases"
  | "persistLeases"
  | "resign";

const OPTIONAL: readonly OptionalDriverMethod[] = [
  "loadDenseSeq",
  "advanceDense",
  "advanceDenseBatch",
  "loadLeases",
  "persistLeases",
  "resign",
];

/**
 * A driver as if it had never had some of the optional methods; without a list, any of them. Calls of the
 * others reach the driver itself.
 *
 * @example
 * ```ts
 * import { driverWithout, ScriptedDriver } from "@tsoracle/tsoracle/testing";
 * import assert from "node:assert/strict";
 *
 * const driver = driverWithout(new ScriptedDriver(), ["loadLeases", "persistLeases"]);
 * assert.equal(driver.persistLeases, undefined);
 * assert.equal(await driver.advanceDense?.({ key: "orders", count: 10 }, 1n), 0n);
 * ```
 */
export function driverWithout(
  driver: ConsensusDriver,
  methods: readonly OptionalDriverMethod[] = OPTIONAL,
): ConsensusDriver {
  const kept = OPTIONAL.filter((name) => !methods.includes(name) && driver[name] !== undefined);
  const bound = kept.map((name) => [name, driver[name]?.bind(driver)]);
  return {
    leadershipEvents: (options) => driver.leadershipEvents(options),
    loadHighWater: (options) => driver.loadHighWater(options),
    persistHighWater: (atLeastMs, epoch, options) =>
      driver.persistHighWater(atLeastMs, epoch, options),
    ...Object.fromEntries(bound),
  };
}
