// SPDX-License-Identifier: Apache-2.0

import { abortable } from "../core/abortable.ts";
import { deferred } from "../core/deferred.ts";

/** Lets one piece of work run at a time, in the order of asking. */
export class Slot {
  #idle: Promise<void> = Promise.resolve();
  #asked = 0;

  /** Settles once all work asked for so far has ended. It never rejects. */
  get idle(): Promise<void> {
    return this.#idle;
  }

  /** How much work was asked for and has not ended, what runs included. */
  get waiting(): number {
    return this.#asked;
  }

  /**
   * Runs `work` when its turn has come.
   *
   * @param signals each ends the wait, by throwing its reason. Before the turn, the work is then left out;
   *   work that runs goes on to its end, and keeps the slot until then
   */
  run<T>(work: () => Promise<T>, signals: readonly AbortSignal[]): Promise<T> {
    return unlessAborted(this.#inTurn(work, signals), signals);
  }

  async #inTurn<T>(work: () => Promise<T>, signals: readonly AbortSignal[]): Promise<T> {
    const before = this.#idle;
    const done = deferred<void>();
    this.#idle = before.then(() => done.promise);
    this.#asked += 1;
    try {
      await before;
      for (const signal of signals) signal.throwIfAborted();
      return await work();
    } finally {
      this.#asked -= 1;
      done.resolve();
    }
  }
}

/** Signal by signal: `AbortSignal.any` over one that lives long keeps what it made alive on Node 20. */
function unlessAborted<T>(promise: Promise<T>, signals: readonly AbortSignal[]): Promise<T> {
  return signals.reduce((wait, signal) => abortable(wait, signal), promise);
}
