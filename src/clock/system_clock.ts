// SPDX-License-Identifier: Apache-2.0

import { delay } from "@std/async";
import type { Clock, DelayOptions } from "../core/clock.ts";
import { LONGEST_TIMER_MS } from "../core/timer_limit.ts";

/** The clocks of the machine. */
export class SystemClock implements Clock {
  /** `Date.now()`. */
  nowMs(): number {
    return Date.now();
  }

  /** `performance.now()`, which starts with the process. */
  monotonicMs(): number {
    return performance.now();
  }

  /** Waits with a timer of the runtime, for as long as such a timer can: 24.8 days. */
  delay(ms: number, options: DelayOptions = {}): Promise<void> {
    const { signal } = options;
    const timerMs = Math.min(ms, LONGEST_TIMER_MS);
    return signal === undefined ? delay(timerMs) : delay(timerMs, { signal });
  }
}
