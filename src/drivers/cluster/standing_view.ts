// SPDX-License-Identifier: Apache-2.0

import { getLogger } from "@logtape/logtape";
import { abortable, onAbort, orAborted } from "../../core/abortable.ts";
import type { Clock } from "../../core/clock.ts";
import { deferred } from "../../core/deferred.ts";
import type { Deferred } from "../../core/deferred.ts";
import type { DriverMetrics } from "../../consensus/driver_metrics.ts";
import { PermanentError } from "../../consensus/errors.ts";
import { isPassing } from "./passing_fault.ts";
import { isSameStanding, positionOf } from "./standing_order.ts";
import type { FurthestStanding } from "./standing_order.ts";
import type { ClusterStore, Standing, StandingNews } from "./store.ts";
import { retryPauseMs } from "./timing.ts";
import type { LeaseTiming } from "./timing.ts";

const logger = getLogger(["tsoracle", "cluster"]);

/** A standing, and since when it has not changed as far as this node can tell. */
export interface Sighting {
  /** What the store said. */
  readonly standing: Standing;
  /** When it was received first without a gap since, on the monotonic clock. */
  readonly sinceMs: number;
}

/** What a {@linkcode StandingView} works with. */
export interface StandingViewOptions {
  /** The engine. */
  readonly store: ClusterStore;
  /** Measures silence. */
  readonly clock: Clock;
  /** Lengths of time. */
  readonly timing: LeaseTiming;
  /** Where to report to. */
  readonly metrics: DriverMetrics;
  /** What was seen by this node before. */
  readonly furthest: FurthestStanding;
  /** Called in the same turn after each change of what the view says. It must not throw. */
  readonly onChange: () => void;
}

/**
 * What this node knows of the leadership, by a watch and by reads.
 *
 * Invariant: a sighting was received at `sinceMs` or later, after the latest gap. So its beat was written before, and
 * its writer's certainty counts from a moment before `sinceMs`.
 */
export class StandingView {
  readonly #options: StandingViewOptions;
  #sighting: Sighting | undefined;
  #reachedMs: number;
  #mustRead = true;
  /** Counts news of the watch, so that a read knows whether they came while it was under way. */
  #newsCount = 0;
  #gaps = 0;
  #change: Deferred<void> = deferred<void>();

  /** Begins without knowing anything; {@linkcode run} finds out. */
  constructor(options: StandingViewOptions) {
    this.#options = options;
    this.#reachedMs = options.clock.monotonicMs();
  }

  /** The latest standing; `undefined` while it is in doubt. */
  get sighting(): Sighting | undefined {
    return this.#sighting;
  }

  /** Whether the engine has been heard of within a lease. */
  get isReached(): boolean {
    return this.#reachedForMs > 0;
  }

  /** Resolves at the next change. */
  get changed(): Promise<void> {
    return this.#change.promise;
  }

  /**
   * Takes note of what a call of this node has found.
   *
   * @throws {PermanentError} if the store has gone back
   */
  see(standing: Standing): void {
    const { clock, furthest } = this.#options;
    furthest.note(standing);
    this.#reachedMs = clock.monotonicMs();
    const seen = this.#sighting;
    if (seen === undefined || !isSameStanding(seen.standing, standing)) {
      this.#sighting = { standing, sinceMs: this.#reachedMs };
    }
    this.#notify();
  }

  /** Wakes whoever waits for a change. */
  touch(): void {
    this.#notify();
  }

  /** There may be something new. */
  readAgain(): void {
    this.#mustRead = true;
    this.#notify();
  }

  /** What is known may have passed: silence starts anew with the next reading. */
  doubt(): void {
    this.#sighting = undefined;
    this.#mustRead = true;
    this.#notify();
  }

  /**
   * Follows the leadership until the signal fires.
   *
   * @throws {PermanentError} if the store cannot be relied on
   */
  async run(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const halt = new AbortController();
    const stopListening = onAbort(signal, () => halt.abort(signal.reason));
    // The first to fail ends the others, and all have ended before this returns.
    const tasks = [this.#follow(halt.signal), this.#read(halt.signal), this.#hear(halt.signal)]
      .map((task) => orAborted(task, halt.signal));
    try {
      await Promise.all(tasks);
    } finally {
      halt.abort();
      stopListening();
      await Promise.allSettled(tasks);
    }
  }

  /** Takes the news of the watch. */
  async #follow(signal: AbortSignal): Promise<void> {
    const { store, clock, timing } = this.#options;
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        for await (const news of store.watchStanding({ signal })) {
          this.#take(news);
          failures = 1;
        }
        if (!signal.aborted) throw new PermanentError("the watch of the leadership has ended");
      } catch (error) {
        if (signal.aborted || !isPassing(error)) throw error;
        this.#noteGap(error);
      }
      await clock.delay(retryPauseMs(timing, failures), { signal });
    }
  }

  #take(news: StandingNews): void {
    switch (news.kind) {
      case "gap":
        return this.#noteGap(news.cause);
      case "standing":
        this.#newsCount++;
        if (!this.#isLate(news.standing)) return this.see(news.standing);
        // Or the store went back, which only a read can tell.
        this.#mustRead = true;
        return this.#heard();
    }
  }

  /** The watch may lag behind what a read or a write of this node has found. */
  #isLate(news: Standing): boolean {
    const { furthest } = this.#options;
    const position = positionOf(news);
    if (position !== furthest.position) return position < furthest.position;
    return this.#sighting?.standing.resigned === true && !news.resigned;
  }

  #noteGap(cause: unknown): void {
    // The first is the beginning of the watch.
    if (this.#gaps++ > 0) {
      this.#options.metrics.count("tsoracle.driver.watch_gaps.total", 1);
      logger.debug("the watch of the leadership has a gap", { cause });
    }
    this.doubt();
  }

  /** Reads whenever there is doubt. */
  async #read(signal: AbortSignal): Promise<void> {
    const { clock, timing } = this.#options;
    for (let failures = 0;;) {
      if (!this.#mustRead) {
        await abortable(this.changed, signal);
        continue;
      }
      this.#mustRead = false;
      if (await this.#readOnce(signal)) {
        failures = 0;
      } else {
        this.#mustRead = true;
        await clock.delay(retryPauseMs(timing, ++failures), { signal });
      }
    }
  }

  async #readOnce(signal: AbortSignal): Promise<boolean> {
    const { store, furthest, timing } = this.#options;
    const { position: known } = furthest;
    const newsBefore = this.#newsCount;
    let standing: Standing;
    try {
      standing = await store.readStanding({ timeoutMs: timing.leaseMs, signal });
    } catch (error) {
      if (signal.aborted || !isPassing(error)) throw error;
      logger.debug("the leadership cannot be read", { error });
      return false;
    }
    furthest.refuseBehind(standing, known);
    if (this.#isLate(standing) || this.#isOvertaken(standing, newsBefore)) this.#heard();
    else this.see(standing);
    return true;
  }

  /** News of the same term that came during the read may be later, and whatever they lack the watch will bring. */
  #isOvertaken(standing: Standing, newsBefore: number): boolean {
    const seen = this.#sighting?.standing;
    return seen !== undefined && this.#newsCount > newsBefore && !standing.resigned &&
      positionOf(standing) === positionOf(seen);
  }

  /** Notices when the engine has not been heard of for a lease. */
  async #hear(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    for (;;) {
      if (this.isReached) {
        await clock.delay(this.#reachedForMs, { signal });
      } else {
        this.#notify();
        while (!this.isReached) await abortable(this.changed, signal);
      }
    }
  }

  /** For how long the engine still counts as reached, in whole milliseconds: fractions could be too little to wait for. */
  get #reachedForMs(): number {
    const { clock, timing } = this.#options;
    return Math.ceil(this.#reachedMs + timing.leaseMs - clock.monotonicMs());
  }

  /** The engine answers, with nothing new. */
  #heard(): void {
    this.#reachedMs = this.#options.clock.monotonicMs();
    this.#notify();
  }

  #notify(): void {
    this.#options.onChange();
    this.#change.resolve();
    this.#change = deferred<void>();
  }
}
