// SPDX-License-Identifier: Apache-2.0

import { clearTimeout, setTimeout } from "node:timers";
import { SystemClock } from "../clock/system_clock.ts";
import type { DelayOptions } from "../core/clock.ts";
import { LONGEST_TIMER_MS } from "../core/timer_limit.ts";

/** The clocks of the machine, with timers that do not keep the process alive. For waits that nobody waits for. */
export class UnheldClock extends SystemClock {
  /** Waits with a timer of the runtime. */
  override delay(ms: number, { signal }: DelayOptions = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const stop = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", stop);
        resolve();
      }, Math.min(ms, LONGEST_TIMER_MS));
      timer.unref();
      signal?.addEventListener("abort", stop, { once: true });
    });
  }
}
