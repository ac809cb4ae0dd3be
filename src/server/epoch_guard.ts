// SPDX-License-Identifier: Apache-2.0

import type { LeadershipEvent } from "../consensus/driver.ts";
import { eventEpoch } from "../consensus/event_epoch.ts";
import type { Epoch } from "../core/epoch.ts";

/** A driver's epoch went back. */
export interface EpochRegression {
  /** The epoch reported. */
  readonly epoch: Epoch;
  /** The highest epoch reported before. */
  readonly highest: Epoch;
}

/** Remembers the highest epoch that a driver has reported. Events without an epoch pass. */
export class EpochGuard {
  #highest: Epoch | undefined;

  /** Takes note of an event; returns what is wrong with its epoch, if anything. */
  check(event: LeadershipEvent): EpochRegression | undefined {
    const epoch = eventEpoch(event);
    if (epoch === undefined) return undefined;
    if (this.#highest !== undefined && epoch < this.#highest) {
      return { epoch, highest: this.#highest };
    }
    this.#highest = epoch;
    return undefined;
  }
}
