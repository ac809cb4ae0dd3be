// SPDX-License-Identifier: Apache-2.0

import type { ConsensusDriver } from "../consensus/driver.ts";
import { ConsensusError } from "../consensus/errors.ts";

/** What a store holds and may hold when a driver is opened on it. */
export interface SequenceStoreContent {
  /** Each sequence with its next ordinal. */
  readonly sequences: ReadonlyMap<string, bigint>;
  /** How many sequences there may be. */
  readonly maxSequenceKeys: number;
}

/** A promise of the driver contract and how to try it. */
export interface ConformanceCase {
  /** What is promised, after the driver's name. */
  readonly title: string;
  /** What the harness must be able to do. */
  readonly needs?: "reopen" | "supersede" | "openWith";
  /** Throws if the promise is not kept. */
  readonly run: (subject: ConformanceTrial) => Promise<void>;
}

/** What a case may do with the driver under test. */
export interface ConformanceTrial {
  /** The driver; another one after `reopen` and `openWith`. */
  readonly driver: ConsensusDriver;
  /** Ends the driver and opens its store again. */
  reopen(): Promise<void>;
  /** Ends the driver and opens another on a store that holds some sequences. */
  openWith(content: SequenceStoreContent): Promise<void>;
  /** Gives the store to a newer epoch. */
  supersede(): Promise<void>;
}

/** Whether an error says that the epoch is not the newest. */
export function isFenced(error: unknown): boolean {
  return error instanceof ConsensusError &&
    (error.code === "fenced" || error.code === "not-leader");
}
