// SPDX-License-Identifier: Apache-2.0

import { abortable } from "../core/abortable.ts";
import type { Clock } from "../core/clock.ts";
import { LONGEST_TIMER_MS } from "../core/timer_limit.ts";
import { TsoClientError } from "./errors.ts";
import type { ClientCallOptions } from "./options.ts";

/**
 * The time that one caller has. Its signal is its own, so that a signal which many callers share gets one
 * listener and not one of each.
 */
export class Deadline {
  readonly #over = new AbortController();
  readonly #given: AbortSignal | undefined;

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
    if (timeoutMs !== undefined) this.#watch(checkTimeout(timeoutMs), clock);
  }

  /** Fires with `deadline-exceeded` when the time is over, and when the deadline is ended. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Whether the caller waits no more. */
  get isOver(): boolean {
    return this.#over.signal.aborted || this.#given?.aborted === true;
  }

  /** Settles like `promise`, or rejects when the caller's signal fires or its time is over. */
  bound<T>(promise: Promise<T>): Promise<T> {
    const timed = abortable(promise, this.signal);
    return this.#given === undefined ? timed : abortable(timed, this.#given);
  }

  /** Removes the timer. */
  end(): void {
    this.#over.abort();
  }

  #watch(timeoutMs: number, clock: Clock): void {
    const text = `Cannot wait any longer: the 'timeoutMs' of the call, ${timeoutMs} ms, is over`;
    clock.delay(timeoutMs, { signal: this.signal }).then(
      () => this.#over.abort(new TsoClientError("deadline-exceeded", text)),
      ignore,
    );
  }
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
