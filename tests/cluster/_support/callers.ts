// SPDX-License-Identifier: Apache-2.0

import { delay } from "@std/async";

/** How long a caller rests after an answer: the processes of a cluster share the machine with it. */
const REST_MS = 3;

/** Callers that ask one call after the other until they are told to stop, whatever becomes of each. */
export class Callers implements AsyncDisposable {
  readonly #running: Promise<void>[] = [];
  #stopping = false;

  /** Starts a caller. A failure is recorded by who asks; the caller goes on. */
  start(ask: () => Promise<unknown>, restMs = REST_MS): void {
    this.#running.push(this.#run(ask, restMs));
  }

  /** Lets each caller end after its call. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#running);
  }

  async #run(ask: () => Promise<unknown>, restMs: number): Promise<void> {
    while (!this.#stopping) {
      await ask().catch(() => {});
      await delay(restMs);
    }
  }
}
