// SPDX-License-Identifier: Apache-2.0

import { delay } from "@std/async";
import type { Clock, DelayOptions } from "../core/clock.ts";

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

  /** Waits with a timer of the runtime. */
  delay(ms: number, options: DelayOptions = {}): Promise<void> {
    const { signal } = options;
    return signal === undefined ? delay(ms) : delay(ms, { signal });
  }
}
