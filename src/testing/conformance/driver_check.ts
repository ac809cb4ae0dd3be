// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { ConsensusDriver } from "../../consensus/driver.ts";
import { consensusCodeOf } from "../../consensus/errors.ts";
import type { ConsensusErrorCode } from "../../consensus/errors.ts";
import type { Epoch } from "../../core/epoch.ts";
import type { EventReader } from "./event_reader.ts";
import type { LeadershipWatch } from "./leadership_watch.ts";

/** What a store holds and may hold when a driver is opened on it. */
export interface SequenceStoreContent {
  /** Each sequence with its next ordinal. */
  readonly sequences: ReadonlyMap<string, bigint>;
  /** How many sequences there may be. */
  readonly maxSequenceKeys: number;
}

/** What a harness may be able to do with a driver, besides opening and closing it. */
export type ConformanceHook =
  | "reopen"
  | "supersede"
  | "openWith"
  | "standby"
  | "silence"
  | "fault";

/** A promise of the driver contract. */
export interface ConformanceCheck {
  /** Its name in reports, which stays the same from release to release. */
  readonly id: string;
  /** What is promised, after the driver's name. */
  readonly title: string;
  /** What the harness must be able to do, or the check is not tried. */
  readonly needs: readonly ConformanceHook[];
}

/** A promise of the driver contract and how to try it. */
export interface DriverCheck extends ConformanceCheck {
  /** Throws if the promise is not kept. */
  readonly run: (trial: DriverTrial) => Promise<void>;
}

/** What a check may do with the driver under test. What it opens is closed for it. */
export interface DriverTrial {
  /** The driver; another one after `reopen` and `openWith`. */
  readonly driver: ConsensusDriver;
  /** Fires when the trial is over. */
  readonly ended: AbortSignal;
  /** The monotonic clock of the drivers. */
  monotonicMs(): number;
  /** Opens a stream of the driver under test, to be read by hand. Not while it is watched. */
  read(options?: { readonly isOver?: boolean }): EventReader;
  /** The stream of a driver, opened at the first call and then kept open. Absent: of the driver under test. */
  watch(driver?: ConsensusDriver): LeadershipWatch;
  /** Opens another stream of the driver under test, beside the one of `watch`. */
  watchBeside(): LeadershipWatch;
  /** Waits until the driver under test leads, and keeps it leading: its stream stays open. */
  lead(): Promise<Epoch>;
  /** Ends the driver and opens its store again. */
  reopen(): Promise<void>;
  /** Ends the driver and opens another on a store that holds some sequences. */
  openWith(content: SequenceStoreContent): Promise<void>;
  /** Gives the store to a newer epoch. */
  supersede(): Promise<void>;
  /** Opens another driver on the same store. */
  standby(): Promise<ConsensusDriver>;
  /** Ends a standby before the trial does. */
  closeStandby(standby: ConsensusDriver): Promise<void>;
  /** The engine answers the driver no more, until the returned function is called. */
  silence(): Promise<() => Promise<void>>;
  /** Breaks what connects the driver to its engine, once. */
  fault(): Promise<void>;
}

/** Whether an error is of the class of a code, also of another copy of this package. */
export function isOf(wanted: ConsensusErrorCode): (error: unknown) => boolean {
  return (error) => consensusCodeOf(error) === wanted;
}

/** Whether an error says that the epoch is not the newest. */
export function isFenced(error: unknown): boolean {
  const code = consensusCodeOf(error);
  return code === "fenced" || code === "not-leader";
}

/** Whether an error says that the fault may pass by itself. */
export function isTransient(error: unknown): boolean {
  const code = consensusCodeOf(error);
  return code === "transient" || code === "unavailable";
}

/** Expects that a call is refused because its epoch is not the newest. */
export async function refused(call: Promise<unknown>, what: string): Promise<void> {
  await call.then(
    () => assert.fail(`${what} was accepted under an epoch that is not the newest`),
    (error) => assert.ok(isFenced(error), `${what} threw ${error}`),
  );
}
