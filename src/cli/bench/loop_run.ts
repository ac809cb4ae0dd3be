// SPDX-License-Identifier: Apache-2.0

import type { Clock } from "../../core/clock.ts";
import type { Measurement } from "./measurement.ts";
import type { Target } from "./target.ts";

/** What both loops work with. */
export interface LoopRun {
  readonly target: Target;
  /** Timestamps of each call. */
  readonly batch: number;
  readonly measurement: Measurement;
  readonly clock: Clock;
  /** Waits, or until the run is to end; never rejects. */
  pause(ms: number): Promise<void>;
}
