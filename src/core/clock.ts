// SPDX-License-Identifier: Apache-2.0

/** Options of a wait. */
export interface DelayOptions {
  /** Ends the wait early: the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The only way in which the oracle sees time. The system's clock is `SystemClock` of the server; tests
 * drive a `ManualClock`.
 */
export interface Clock {
  /** Wall clock, whole milliseconds since the Unix epoch. It may jump, stand still or run backwards. */
  nowMs(): number;

  /** Milliseconds from an arbitrary start. It never runs backwards; only differences mean something. */
  monotonicMs(): number;

  /**
   * Waits on the monotonic clock. The timer and the listener are gone once the promise settles.
   *
   * @param ms how long to wait, at least 0
   * @returns a promise that resolves after the wait and rejects with the signal's reason if that fires first
   */
  delay(ms: number, options?: DelayOptions): Promise<void>;
}
