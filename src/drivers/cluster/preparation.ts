// SPDX-License-Identifier: Apache-2.0

import { UnavailableError } from "../../consensus/errors.ts";
import type { Clock } from "../../core/clock.ts";
import { isPassing } from "./passing_fault.ts";
import type { ClusterStore } from "./store.ts";
import { retryPauseMs } from "./timing.ts";
import type { LeaseTiming } from "./timing.ts";
import { within } from "./within.ts";

/** What a {@linkcode Preparation} works with. */
export interface PreparationOptions {
  /** The engine. */
  readonly store: ClusterStore;
  /** Measures timeouts and pauses. */
  readonly clock: Clock;
  /** Lengths of pauses. */
  readonly timing: LeaseTiming;
  /** How long one attempt may take, and how long a call waits for it, in milliseconds. */
  readonly callTimeoutMs: number;
  /** Fires when the driver is closed. */
  readonly ended: AbortSignal;
}

/** Makes the store ready when it is first needed, once for all who need it. */
export class Preparation {
  readonly #options: PreparationOptions;
  #running: Promise<void> | undefined;
  #isDone = false;
  #lastFault: unknown;

  /** Begins with nothing. */
  constructor(options: PreparationOptions) {
    this.#options = options;
  }

  /** What the latest attempt failed with, if it may pass. */
  get lastFault(): unknown {
    return this.#lastFault;
  }

  /**
   * Tries until the store is ready.
   *
   * @throws {PermanentError} if it cannot be relied on; the next call tries again
   */
  async done(): Promise<void> {
    if (this.#isDone) return;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    await this.#running;
  }

  /**
   * {@linkcode done} for a call that has a deadline.
   *
   * @throws {UnavailableError} if it takes too long
   * @throws {PermanentError} if the store cannot be relied on
   */
  async doneInTime(signal: AbortSignal | undefined): Promise<void> {
    if (this.#isDone) return;
    const { clock, callTimeoutMs: timeoutMs } = this.#options;
    const late = () =>
      new UnavailableError(`the store is not ready: ${textOf(this.#lastFault)}`, {
        cause: this.#lastFault,
      });
    await within(this.done(), { clock, timeoutMs, late, signal });
  }

  async #run(): Promise<void> {
    const { store, clock, timing, callTimeoutMs: timeoutMs, ended: signal } = this.#options;
    for (let failures = 1;; failures++) {
      try {
        await store.prepare({ timeoutMs, signal });
        this.#isDone = true;
        return;
      } catch (error) {
        if (!isPassing(error)) throw error;
        this.#lastFault = error;
      }
      await clock.delay(retryPauseMs(timing, failures), { signal });
    }
  }
}

function textOf(cause: unknown): string {
  if (cause === undefined) return "it has not answered yet";
  return cause instanceof Error ? cause.message : String(cause);
}
