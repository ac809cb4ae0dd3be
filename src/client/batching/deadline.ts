// SPDX-License-Identifier: Apache-2.0

import { abortable } from "../../core/abortable.ts";
import type { Clock } from "../../core/clock.ts";
import { LONGEST_TIMER_MS } from "../../core/timer_limit.ts";
import { TsoClientError } from "../errors.ts";
import type { ClientCallOptions } from "../options.ts";

/**
 * How long one caller waits: until its signal fires or its time is over. There is a timer only if there is a
 * timeout, and many callers that share a signal put one listener on it.
 */
export class Deadline {
  readonly #given: AbortSignal | undefined;
  /** Fires when the time is over, and when the deadline is ended. */
  readonly #timer: AbortController | undefined;
  #isExpired = false;

  /**
   * Starts the timer, if the caller gave a timeout. {@linkcode Deadline.end} must be called.
   *
   * @throws the reason of a signal that has fired already
   * @throws {TsoClientError} `invalid-argument` for a timeout that is none
   */
  constructor(options: ClientCallOptions, clock: Clock) {
    const { signal, timeoutMs } = options;
    signal?.throwIfAborted();
    this.#given = signal;
    if (timeoutMs === undefined) return;
    this.#timer = new AbortController();
    this.#watch(checkTimeout(timeoutMs), clock, this.#timer);
  }

  /** Whether the time is over. */
  get isExpired(): boolean {
    return this.#isExpired;
  }

  /** Whether the caller waits no more. */
  get isOver(): boolean {
    return this.#isExpired || this.#given?.aborted === true;
  }

  /** Settles like `promise`, or rejects when the caller's signal fires or its time is over. */
  bound<T>(promise: Promise<T>): Promise<T> {
    const timed = this.#timer === undefined ? promise : abortable(promise, this.#timer.signal);
    return this.#given === undefined ? timed : abortable(timed, this.#given);
  }

  /** Removes the timer. */
  end(): void {
    this.#timer?.abort();
  }

  #watch(timeoutMs: number, clock: Clock, timer: AbortController): void {
    clock.delay(timeoutMs, { signal: timer.signal }).then(() => {
      this.#isExpired = true;
      timer.abort(expired(timeoutMs));
    }, ignore);
  }
}

function expired(timeoutMs: number): TsoClientError {
  return new TsoClientError(
    "deadline-exceeded",
    `Cannot wait any longer: the 'timeoutMs' of the call, ${timeoutMs} ms, is over`,
  );
}

/**
 * Checks how long a call may take.
 *
 * @returns the same value
 * @throws {TsoClientError} `invalid-argument` naming the rule and the value
 */
export function checkTimeout(timeoutMs: number): number {
  if (timeoutMs > 0 && timeoutMs <= LONGEST_TIMER_MS) return timeoutMs;
  throw new TsoClientError(
    "invalid-argument",
    `Cannot wait for ${timeoutMs} ms: 'timeoutMs' must be above 0 and at most ${LONGEST_TIMER_MS}`,
  );
}

function ignore(): void {}
