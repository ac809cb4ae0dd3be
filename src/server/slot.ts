// SPDX-License-Identifier: Apache-2.0

import { abortable } from "../core/abortable.ts";
import { deferred } from "../core/deferred.ts";

/** Lets one piece of work run at a time, in the order of asking. */
export class Slot {
  #idle: Promise<void> = Promise.resolve();

  /** Settles once all work asked for so far has ended. It never rejects. */
  get idle(): Promise<void> {
    return this.#idle;
  }

  /**
   * Runs `work` when its turn has come.
   *
   * @param signal ends the wait for the turn, by throwing its reason; work that runs goes on
   */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const before = this.#idle;
    const done = deferred<void>();
    this.#idle = before.then(() => done.promise);
    try {
      await abortable(before, signal);
      signal.throwIfAborted();
      return await work();
    } finally {
      done.resolve();
    }
  }
}
