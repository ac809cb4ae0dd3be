// SPDX-License-Identifier: Apache-2.0

import type { LeadershipEvent } from "../../consensus/driver.ts";
import { deferred } from "../../core/deferred.ts";
import type { Deferred } from "../../core/deferred.ts";
import { abortable } from "../../core/abortable.ts";

const UNKNOWN: LeadershipEvent = { kind: "unknown" };

/**
 * Leadership events for one consumer. They are states, so one that was not taken before the next came is left
 * out: a slow consumer hears the latest, and nothing piles up.
 */
export class EventFeed {
  #current: LeadershipEvent = UNKNOWN;
  #isNews = true;
  #failure: { readonly error: unknown } | undefined;
  #wake: Deferred<void> = deferred<void>();

  /** The latest event. */
  get current(): LeadershipEvent {
    return this.#current;
  }

  /** Reports a change. What says nothing new is left out. */
  push(event: LeadershipEvent): void {
    if (saysTheSame(this.#current, event)) return;
    this.#current = event;
    this.#isNews = true;
    this.#notify();
  }

  /** Ends the stream with an error, once what is known has been said. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#notify();
  }

  /** The present state, then each later one, until the signal fires and its reason is thrown. */
  async *read(signal: AbortSignal): AsyncGenerator<LeadershipEvent, void, undefined> {
    for (;;) {
      signal.throwIfAborted();
      if (this.#isNews) {
        this.#isNews = false;
        yield this.#current;
      } else if (this.#failure !== undefined) {
        throw this.#failure.error;
      } else {
        await abortable(this.#wake.promise, signal);
      }
    }
  }

  #notify(): void {
    this.#wake.resolve();
    this.#wake = deferred<void>();
  }
}

function saysTheSame(one: LeadershipEvent, other: LeadershipEvent): boolean {
  switch (one.kind) {
    case "unknown":
      return other.kind === "unknown";
    case "leader":
      return other.kind === "leader" && other.epoch === one.epoch;
    case "follower":
      return other.kind === "follower" && other.leaderEpoch === one.leaderEpoch &&
        other.leaderEndpoint?.host === one.leaderEndpoint?.host &&
        other.leaderEndpoint?.port === one.leaderEndpoint?.port;
  }
}
