// SPDX-License-Identifier: Apache-2.0

import { abortable } from "../core/abortable.ts";
import type { Epoch } from "../core/epoch.ts";
import type { LeaderHint } from "./errors.ts";
import { deferred } from "../core/deferred.ts";
import type { Deferred } from "../core/deferred.ts";

/** This node grants timestamps under `epoch`. */
export interface ServingTrue {
  /** Tells the states apart. */
  readonly kind: "serving";
  /** The fenced epoch. */
  readonly epoch: Epoch;
}

/** This node grants nothing; the hint fields say who may. */
export interface ServingFalse extends LeaderHint {
  /** Tells the states apart. */
  readonly kind: "not-serving";
}

/** Whether this node grants timestamps. */
export type ServingState = ServingTrue | ServingFalse;

const NOBODY: ServingFalse = { kind: "not-serving" };

/**
 * The published serving state: the latest value, and a wake-up for those who watch it.
 *
 * Invariant: whoever publishes not-serving has cleared the allocator before, in the same turn.
 */
export class ServingSwitch {
  #state: ServingState = NOBODY;
  #changed: Deferred<void> = deferred<void>();

  /** The state at this moment. */
  get state(): ServingState {
    return this.#state;
  }

  /** Publishes a state, also if nobody watches. */
  publish(state: ServingState): void {
    this.#state = state;
    const changed = this.#changed;
    this.#changed = deferred<void>();
    changed.resolve();
  }

  /**
   * The present state, then each later one. A slow reader misses the states in between, never the last.
   *
   * @param signal ends the stream, by throwing its reason to a reader that waits
   */
  async *watch(signal: AbortSignal): AsyncGenerator<ServingState, void, undefined> {
    while (!signal.aborted) {
      const changed = this.#changed.promise;
      yield this.#state;
      await abortable(changed, signal);
    }
  }
}
