// SPDX-License-Identifier: Apache-2.0

import { TransientError } from "../../../src/consensus/errors.ts";
import type { Clock } from "../../../src/core/clock.ts";
import type { ClusterStore, StoreCallOptions } from "../../../src/drivers/cluster/store.ts";

/** What changes the engine, each in one step. */
const WRITES = [
  "takeOver",
  "beat",
  "resign",
  "persistHighWater",
  "writeSequences",
  "writeLeases",
] as const;
/** The writes of a store. */
export type WriteName = typeof WRITES[number];

/** The longest that a write is waited for in vain: the deadline of data is longer than a test wants to wait. */
const GIVEN_UP_AFTER_MS = 150;

/** What a process prints about a write that was made and reported as not answered. */
export function lineOf(write: WriteName): string {
  return `made and not answered: ${write}`;
}

/** Loses the answers of a store to writes that it has made. */
export class UnansweredWrites {
  /** The store, which is otherwise the one that was given. */
  readonly store: ClusterStore;
  readonly #clock: Clock;
  readonly #next = new Set<WriteName>();

  /** Loses nothing yet. */
  constructor(inner: ClusterStore, clock: Clock) {
    this.#clock = clock;
    this.store = new Proxy(inner, {
      get: (target, name) => {
        const value = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        const write = WRITES.find((each) => each === name);
        if (write === undefined) return value.bind(target);
        return (...args: readonly unknown[]) => {
          return this.#make(write, () => value.apply(target, args), args.at(-1));
        };
      },
    });
  }

  /** Loses the answer to the next write of each kind. */
  loseAnswers(): void {
    for (const write of WRITES) this.#next.add(write);
  }

  async #make<T>(write: WriteName, make: () => Promise<T>, options: unknown): Promise<T> {
    if (!this.#next.delete(write)) return await make();
    const { timeoutMs } = options as StoreCallOptions;
    const sentMs = this.#clock.monotonicMs();
    await make();
    const leftMs = sentMs + Math.min(timeoutMs, GIVEN_UP_AFTER_MS) - this.#clock.monotonicMs();
    if (leftMs > 0) await this.#clock.delay(leftMs);
    console.log(lineOf(write));
    throw new TransientError(`the store did not answer in time to ${write}`);
  }
}
