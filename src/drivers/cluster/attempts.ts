// SPDX-License-Identifier: Apache-2.0

import { consensusCodeOf, TransientError } from "../../consensus/errors.ts";
import type { Clock } from "../../core/clock.ts";
import { notBegun } from "../group_writer.ts";
import { isOvertaken, isPassing } from "./passing_fault.ts";
import type { StoreCallOptions } from "./store.ts";
import { retryPauseMs } from "./timing.ts";
import type { LeaseTiming } from "./timing.ts";

/** The part of a call's time in which its attempts end, so that the caller hears what they came to. */
const ATTEMPTS_PART = 3 / 4;

/** An attempt is given up after this part of the call's time, so that there is time to find out its outcome. */
const ATTEMPT_PART = 1 / 4;

/** What {@linkcode Attempts} work with. */
export interface AttemptsOptions {
  /** Measures the deadline. */
  readonly clock: Clock;
  /** Lengths of pauses. */
  readonly timing: LeaseTiming;
  /** How long the call may take that they are made for, in milliseconds. */
  readonly callTimeoutMs: number;
}

/** Calls of the store that are repeated until one is answered or their common time is over. */
export class Attempts {
  readonly #options: AttemptsOptions;
  readonly #dueMs: number;
  #areInDoubt = false;

  /** The time starts now. */
  constructor(options: AttemptsOptions) {
    this.#options = options;
    this.#dueMs = options.clock.monotonicMs() + options.callTimeoutMs * ATTEMPTS_PART;
  }

  /** Whether a write was not answered, so that it may have been made or may be made later. */
  get areInDoubt(): boolean {
    return this.#areInDoubt;
  }

  /** The outcome of every write so far is known. */
  settle(): void {
    this.#areInDoubt = false;
  }

  /** Calls the store until it answers; repeating a read does no harm. */
  async read<T>(call: (options: StoreCallOptions) => Promise<T>): Promise<T> {
    return await this.#repeat(call, () => {});
  }

  /** Calls the store until it answers. Each repetition must be the same write as the first. */
  async write<T>(call: (options: StoreCallOptions) => Promise<T>): Promise<T> {
    return await this.#repeat(call, (error) => {
      const isRefused = isOvertaken(error) || consensusCodeOf(error) === "unavailable";
      if (!isRefused) this.#areInDoubt = true;
    });
  }

  /**
   * What an error means to a caller, given what was sent for it: without doubt nothing was written and nothing will
   * be; with it not even a refusal says so.
   *
   * @param what was to be done, for the message
   */
  faultOf(error: unknown, what: string): unknown {
    if (!isPassing(error) && !(this.#areInDoubt && isOvertaken(error))) return error;
    if (!this.#areInDoubt) return notBegun(error);
    const text = error instanceof Error ? error.message : String(error);
    return new TransientError(`Cannot tell whether ${what}: ${text}`, { cause: error });
  }

  async #repeat<T>(
    call: (options: StoreCallOptions) => Promise<T>,
    note: (error: unknown) => void,
  ): Promise<T> {
    const { clock, timing, callTimeoutMs } = this.#options;
    for (let failures = 1;; failures++) {
      const leftMs = this.#dueMs - clock.monotonicMs();
      if (leftMs <= 0) throw lateAnswer(callTimeoutMs);
      try {
        return await call({ timeoutMs: Math.min(callTimeoutMs * ATTEMPT_PART, leftMs) });
      } catch (error) {
        note(error);
        if (!isPassing(error)) throw error;
        const pauseMs = retryPauseMs(timing, failures);
        if (clock.monotonicMs() + pauseMs >= this.#dueMs) throw error;
        await clock.delay(pauseMs);
      }
    }
  }
}

/** The store has not answered in time. */
export function lateAnswer(callTimeoutMs: number): TransientError {
  return new TransientError(`the store has not answered within ${callTimeoutMs} ms`);
}
