// SPDX-License-Identifier: Apache-2.0

import type { ConsensusDriver } from "../../consensus/driver.ts";
import type { Clock } from "../../core/clock.ts";
import type { SequenceStoreContent } from "./driver_check.ts";

/** What a driver may lack. */
export type DriverFeature = "sequences" | "leases" | "resignation";

/** How the suite gets at a driver, its store and its engine. Each hook that is absent leaves checks untried. */
export interface DriverHarness<D extends ConsensusDriver> {
  /** Opens a driver on a new, empty store. It leads, or comes to lead by itself once its stream is read. */
  readonly open: () => Promise<D>;
  /**
   * Ends a driver and removes what belongs to it. Drivers made by `standby` are closed before the one that they
   * stand by; the store is no longer needed when that is closed.
   */
  readonly close: (driver: D) => Promise<void>;
  /** Ends a driver and opens its store again, as after a restart. Absent: the store ends with its driver. */
  readonly reopen?: (driver: D) => Promise<D>;
  /**
   * Gives the store to a newer epoch, as the election of another node does, and resolves once it has it. Whether the
   * driver's certainty was over by then does not matter. Absent: the store only ever has one epoch.
   */
  readonly supersede?: (driver: D) => Promise<void>;
  /**
   * Opens a driver on a new store that holds some sequences and may hold a number of them. Absent: the limits
   * of sequences are not tried.
   */
  readonly openWith?: (content: SequenceStoreContent) => Promise<D>;
  /**
   * Opens another driver on the store of one that leads, as another node does: it leads once that one has resigned or
   * has been silent for long enough. Absent: the engine admits one node, and resignation is not tried.
   */
  readonly standby?: (driver: D) => Promise<D>;
  /**
   * Makes the engine silent to a driver, and to no other: what it asks may be lost, held or done, but is not answered
   * in the meantime. Whatever else must happen for a standby to take over (a clock that has to be moved) happens here.
   *
   * @returns lets the engine answer again
   */
  readonly silence?: (driver: D) => Promise<() => Promise<void>>;
  /**
   * Breaks what connects a driver to its engine, once, in the midst of what is under way: a connection is reset, a
   * session ended. The engine is there for whoever connects again.
   */
  readonly fault?: (driver: D) => Promise<void>;
  /**
   * What the driver has no methods for. That is then all that is tried of it.
   *
   * @default {[]}
   */
  readonly without?: readonly DriverFeature[];
  /**
   * The clock that the drivers were given.
   *
   * @default {new SystemClock()}
   */
  readonly clock?: Pick<Clock, "monotonicMs">;
  /**
   * How long a check may take, in milliseconds, before it has failed. It bounds what never settles, so it should be far
   * above the deadlines of the driver and the time of an election.
   *
   * @default {60_000}
   */
  readonly patienceMs?: number;
}
