// SPDX-License-Identifier: Apache-2.0

import { abortable } from "../core/abortable.ts";
import { deferred } from "../core/deferred.ts";
import type { Deferred } from "../core/deferred.ts";
import type { ReadinessSource } from "./readiness.ts";
import { readinessOf } from "./readiness.ts";

/** How often the certainty of a leader is looked at while somebody watches, in milliseconds. */
const RECHECK_MS = 1_000;

/** Signals of the server that readiness depends on. */
export interface LifecycleSignals {
  /** Fires when no new client is wanted: the node is not ready from then on. */
  readonly closingSignal?: AbortSignal | undefined;
  /** Fires when streams must end that have no end of their own. Not ready from then on, too. */
  readonly drainSignal?: AbortSignal | undefined;
}

/** Options of {@linkcode ReadinessFeed}. */
export interface ReadinessFeedOptions extends LifecycleSignals {
  /**
   * How often to look at what changes without an event, in milliseconds.
   *
   * @default {1000}
   */
  readonly recheckMs?: number;
}

/**
 * Tells all watchers of a server whether it is ready, with one look at the oracle for all of them.
 *
 * States of the oracle are events. The certainty of a leader is not: it runs out, and comes back, with the
 * time alone. So while there is a watcher one timer looks at it.
 *
 * Invariant: each watcher has said what was seen last, or is about to. Without watchers nothing runs.
 */
export class ReadinessFeed {
  readonly #oracle: ReadinessSource;
  readonly #closing: AbortSignal | undefined;
  readonly #drain: AbortSignal | undefined;
  readonly #recheckMs: number;
  #watchers = 0;
  #seen: boolean | undefined;
  #changed: Deferred<void> = deferred<void>();
  #following = new AbortController();
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Makes a feed that nobody watches. */
  constructor(oracle: ReadinessSource, options: ReadinessFeedOptions = {}) {
    const { closingSignal, drainSignal, recheckMs = RECHECK_MS } = options;
    this.#oracle = oracle;
    this.#closing = closingSignal;
    this.#drain = drainSignal;
    this.#recheckMs = recheckMs;
    closingSignal?.addEventListener("abort", () => this.#wake(), { once: true });
    drainSignal?.addEventListener("abort", () => this.#wake(), { once: true });
  }

  /** Whether to send requests here, at this moment. */
  get isReady(): boolean {
    const isClosing = this.#isDraining || this.#closing?.aborted === true;
    return readinessOf(this.#oracle, isClosing).ready;
  }

  /** How many watch. */
  get watchers(): number {
    return this.#watchers;
  }

  /**
   * Whether the node is ready, then each change. The stream ends when the server drains, after it has said
   * that the node is not ready.
   *
   * @param signal ends the stream, by throwing its reason to a reader that waits
   */
  async *watch(signal: AbortSignal): AsyncGenerator<boolean, void, undefined> {
    this.#join();
    try {
      let said: boolean | undefined;
      for (;;) {
        const ready = this.#look();
        const changed = this.#changed.promise;
        if (ready !== said) {
          yield said = ready;
          continue;
        }
        if (this.#isDraining) return;
        await abortable(changed, signal).catch((error: unknown) => {
          // A signal that fires with the drain may not swallow the last word.
          if (!this.#isDraining) throw error;
        });
      }
    } finally {
      this.#leave();
    }
  }

  get #isDraining(): boolean {
    return this.#drain?.aborted === true;
  }

  #join(): void {
    this.#watchers += 1;
    if (this.#watchers > 1) return;
    this.#following = new AbortController();
    this.#timer = setInterval(() => this.#look(), this.#recheckMs);
    void this.#follow(this.#following.signal);
  }

  #leave(): void {
    this.#watchers -= 1;
    if (this.#watchers > 0) return;
    clearInterval(this.#timer);
    this.#following.abort();
  }

  async #follow(signal: AbortSignal): Promise<void> {
    try {
      for await (const _ of this.#oracle.watchState({ signal })) this.#look();
    } catch {
      // The end of the last watch. Were it anything else, the timer would still look.
    }
  }

  #look(): boolean {
    const ready = this.isReady;
    if (ready !== this.#seen) {
      this.#seen = ready;
      this.#wake();
    }
    return ready;
  }

  #wake(): void {
    const changed = this.#changed;
    this.#changed = deferred<void>();
    changed.resolve();
  }
}
