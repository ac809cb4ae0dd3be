// SPDX-License-Identifier: Apache-2.0

/**
 * For driver authors and for tests of programs that embed the oracle.
 *
 * ```ts
 * import { ManualClock } from "@tsoracle/tsoracle/testing";
 *
 * const clock = new ManualClock({ nowMs: 1_000 });
 * ```
 *
 * @module
 */

export { checkDriverConformance, testDriverConformance } from "./driver_conformance.ts";
export type {
  CheckDriverOptions,
  ConformanceResult,
  DriverConformanceOptions,
} from "./driver_conformance.ts";
export type { DriverFeature, DriverHarness } from "./conformance/driver_harness.ts";
export type { SequenceStoreContent } from "./conformance/driver_check.ts";
export { driverWithout } from "./driver_without.ts";
export type { OptionalDriverMethod } from "./driver_without.ts";
export { GapChecker } from "./gap_checker.ts";
export type { GapViolation, OrdinalBlock, OrdinalGap } from "./gap_checker.ts";
export { HistoryChecker } from "./history_checker.ts";
export type {
  HistoryCheckerOptions,
  HistoryTicket,
  OrderViolation,
  ReceivedRange,
} from "./history_checker.ts";
export { ManualClock } from "./manual_clock.ts";
export type { ManualClockOptions } from "./manual_clock.ts";
export { checkHistory } from "./recorded_history.ts";
export type { HistoryCall, HistoryViolation } from "./recorded_history.ts";
export { ScriptedDriver } from "./scripted_driver.ts";
export type {
  AdvanceCall,
  CallHook,
  LeasesCall,
  PersistCall,
  ScriptedDriverOptions,
} from "./scripted_driver.ts";
export type { TimestampSpan } from "./timestamp_ranges.ts";
