// SPDX-License-Identifier: Apache-2.0

import type { Grant } from "../../../src/core/allocator.ts";
import { soon } from "../../net/_support/until.ts";
import type { Arrival, Method } from "./script.ts";

/** Which calls are meant; what is left out is any. */
export interface CallFilter {
  readonly server?: number;
  readonly method?: Method;
}

/** An entry of the log, for the one who fills it in. */
export interface OpenArrival {
  /** Notes what was granted. */
  grant(block: Grant): void;
}

interface Waiter extends CallFilter {
  readonly count: number;
  readonly resolve: () => void;
}

/** What came to the servers of a cluster, in the order of arrival. */
export class CallLog {
  readonly #arrivals: Arrival[] = [];
  #waiters: Waiter[] = [];

  /** Everything so far. */
  get arrivals(): readonly Arrival[] {
    return this.#arrivals;
  }

  /** Notes a call. */
  arrive(arrival: Omit<Arrival, "granted">): OpenArrival {
    const index = this.#arrivals.push(arrival) - 1;
    for (const waiter of this.#waiters) if (this.#hasCome(waiter)) waiter.resolve();
    this.#waiters = this.#waiters.filter((waiter) => !this.#hasCome(waiter));
    return {
      grant: ({ physicalMs, logicalStart, count, epoch }) => {
        const granted = { physicalMs, logicalStart, count, epoch: String(epoch) };
        this.#arrivals[index] = { ...arrival, granted };
      },
    };
  }

  /** Waits until so many calls have come. */
  async arrived(count: number, filter: CallFilter): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiter = { ...filter, count, resolve };
    if (this.#hasCome(waiter)) return;
    this.#waiters.push(waiter);
    await soon(`call ${count} of ${JSON.stringify(filter)}`, promise);
  }

  #hasCome({ count, server, method }: Waiter): boolean {
    const meant = this.#arrivals.filter((arrival) =>
      (server === undefined || arrival.server === server) &&
      (method === undefined || arrival.method === method)
    );
    return meant.length >= count;
  }
}
