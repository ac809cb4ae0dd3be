// SPDX-License-Identifier: Apache-2.0

import { abortable } from "../../core/abortable.ts";
import type { Clock } from "../../core/clock.ts";

/** How long a wait may last. */
export interface WaitLimits {
  /** Measures the wait. */
  readonly clock: Clock;
  /** Milliseconds after which the wait fails. */
  readonly timeoutMs: number;
  /** What it then fails with. */
  readonly late: () => Error;
  /** Ends the wait with its reason. */
  readonly signal: AbortSignal | undefined;
}

/** Waits for a promise within limits. The work goes on in any case. */
export async function within<T>(work: Promise<T>, limits: WaitLimits): Promise<T> {
  const { clock, timeoutMs, late, signal } = limits;
  const over = new AbortController();
  const timer = clock.delay(timeoutMs, { signal: over.signal });
  const expiry = timer.then(() => Promise.reject(late()));
  const wait = Promise.race([work, expiry]);
  try {
    return await (signal === undefined ? wait : abortable(wait, signal));
  } finally {
    over.abort();
  }
}
