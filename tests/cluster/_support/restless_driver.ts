// SPDX-License-Identifier: Apache-2.0

import type { ConsensusDriver, LeadershipEvent } from "../../../src/consensus/driver.ts";
import { abortable, onAbort } from "../../../src/core/abortable.ts";

/** Makes a driver leave the election, giving up its term, and take part again, under one stream of events. */
export class RestlessDriver {
  /** The driver, which is otherwise the one that was given. */
  readonly driver: ConsensusDriver;
  #part = new AbortController();
  #rejoined = Promise.withResolvers<void>();

  /** Takes part. */
  constructor(inner: ConsensusDriver) {
    this.driver = new Proxy(inner, {
      get: (target, name) => {
        if (name === "leadershipEvents") {
          return (options: { readonly signal: AbortSignal }) => this.#events(target, options);
        }
        const value = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }

  /** Leaves, until told otherwise. */
  leave(): void {
    this.#part.abort(new Error("this node has left the election"));
  }

  /** Takes part again. */
  rejoin(): void {
    this.#part = new AbortController();
    this.#rejoined.resolve();
    this.#rejoined = Promise.withResolvers<void>();
  }

  async *#events(
    driver: ConsensusDriver,
    { signal }: { readonly signal: AbortSignal },
  ): AsyncGenerator<LeadershipEvent> {
    for (;;) {
      signal.throwIfAborted();
      const part = this.#part;
      const rejoined = this.#rejoined.promise;
      const withdraw = onAbort(signal, () => part.abort(signal.reason));
      try {
        yield* driver.leadershipEvents({ signal: part.signal });
      } catch (error) {
        if (!part.signal.aborted) throw error;
      } finally {
        withdraw();
      }
      signal.throwIfAborted();
      yield { kind: "unknown" };
      await abortable(rejoined, signal);
    }
  }
}
