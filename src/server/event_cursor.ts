// SPDX-License-Identifier: Apache-2.0

import type { LeadershipEvent } from "../consensus/driver.ts";

/** What the leadership stream brought. */
export type Arrival =
  | { readonly kind: "event"; readonly event: LeadershipEvent }
  | { readonly kind: "ended" }
  | { readonly kind: "failed"; readonly error: unknown };

/**
 * Reads a leadership stream one item ahead. `next()` of an async iterator is not cancel-safe, so the one
 * pending call is kept until its item has been taken and is never requested twice.
 */
export class EventCursor {
  readonly #stop: AbortSignal;
  readonly #iterator: AsyncIterator<LeadershipEvent>;
  #arrival: Arrival | undefined;
  #wake = new AbortController();

  /** Starts to read `events`; `stop` ends every wait. */
  constructor(events: AsyncIterable<LeadershipEvent>, stop: AbortSignal) {
    this.#stop = stop;
    this.#iterator = events[Symbol.asyncIterator]();
    stop.addEventListener("abort", () => this.#wake.abort(), { once: true });
    this.#request();
  }

  /** Fires when an item is ready or the stop is requested. A new signal after each take. */
  get wake(): AbortSignal {
    return this.#wake.signal;
  }

  /** The item that is ready, if any. It stays until taken. */
  get ready(): Arrival | undefined {
    return this.#arrival;
  }

  /** Waits for an item. A stop wins over an item that is ready in the same turn. */
  async wait(): Promise<"stopped" | "ready"> {
    await fired(this.#wake.signal);
    return this.#stop.aborted ? "stopped" : "ready";
  }

  /**
   * Takes the item that is ready and asks the stream for the next one.
   *
   * @throws {TypeError} if none is ready
   */
  take(): Arrival {
    const arrival = this.#arrival;
    if (arrival === undefined) throw new TypeError("Cannot take an event: none is ready");
    this.#arrival = undefined;
    if (arrival.kind === "event") this.#request();
    return arrival;
  }

  #request(): void {
    this.#wake = new AbortController();
    if (this.#stop.aborted) this.#wake.abort();
    const settle = (arrival: Arrival) => {
      this.#arrival = arrival;
      this.#wake.abort();
    };
    this.#next().then(
      (result) => settle(result.done ? { kind: "ended" } : { kind: "event", event: result.value }),
      (error: unknown) => settle({ kind: "failed", error }),
    );
  }

  /** Turns a `next()` that throws into one that rejects. */
  // deno-lint-ignore require-await -- async for its rejection
  async #next(): Promise<IteratorResult<LeadershipEvent>> {
    return this.#iterator.next();
  }
}

/** Resolves once the signal has fired. */
function fired(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true })
  );
}
