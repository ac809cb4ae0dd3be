// SPDX-License-Identifier: Apache-2.0

import { getLogger } from "@logtape/logtape";
import { orAborted } from "../../core/abortable.ts";
import type { Clock } from "../../core/clock.ts";
import type { Epoch } from "../../core/epoch.ts";
import type { DriverMetrics } from "../../consensus/driver_metrics.ts";
import { Certainty } from "./certainty.ts";
import type { SendTime } from "./certainty.ts";
import { isOvertaken, isPassing } from "./passing_fault.ts";
import type { FurthestStanding } from "./standing_order.ts";
import type { ClusterStore } from "./store.ts";
import { retryPauseMs } from "./timing.ts";
import type { LeaseTiming } from "./timing.ts";

const logger = getLogger(["tsoracle", "cluster"]);

/** What a {@linkcode Reign} works with. */
export interface ReignOptions {
  /** The engine. */
  readonly store: ClusterStore;
  /** Measures certainty and the time between heartbeats. */
  readonly clock: Clock;
  /** Lengths of time. */
  readonly timing: LeaseTiming;
  /** Where to report to. */
  readonly metrics: DriverMetrics;
  /** What was seen by this node before. */
  readonly furthest: FurthestStanding;
  /** The term. */
  readonly epoch: Epoch;
  /** When the take-over was sent that began it. It counts as the first heartbeat. */
  readonly sent: SendTime;
}

/**
 * One term of leadership of this node.
 *
 * Invariants: a heartbeat counts from its sending and only once it is acknowledged; one is under way at a time; once
 * ended, nothing makes the term certain again; a resignation is written only after that, and after the last
 * heartbeat has settled.
 */
export class Reign {
  readonly #options: ReignOptions;
  readonly #certainty: Certainty;
  readonly #end = new AbortController();
  #hasLapsed = false;

  /** Begins the term; no heartbeat is sent before {@linkcode run}. */
  constructor(options: ReignOptions) {
    const { clock, timing, sent } = options;
    this.#options = options;
    this.#certainty = new Certainty(clock, timing.certainMs);
    this.#certainty.extend(sent);
  }

  /** The term. */
  get epoch(): Epoch {
    return this.#options.epoch;
  }

  /** Until when it is certain, on the monotonic clock. */
  certainUntil(): number {
    return this.#certainty.until();
  }

  /** Ends certainty at once and for good, and the heartbeats after the one under way. */
  end(): void {
    this.#certainty.end();
    this.#end.abort();
  }

  /**
   * Sends heartbeats.
   *
   * @returns once the last has settled: whether another term was found, or this one was ended here
   * @throws {PermanentError} if the store cannot be relied on; certainty has ended
   */
  async run(): Promise<"overtaken" | "ended"> {
    try {
      return await this.#beatOn();
    } finally {
      this.end();
    }
  }

  /**
   * Writes that the term is given up, for as long as that is worth it: later it is taken over anyway. It never
   * rejects.
   *
   * Precondition: {@linkcode run} has returned.
   */
  async resign(): Promise<void> {
    const { store, clock, timing, metrics, epoch } = this.#options;
    const giveUpMs = clock.monotonicMs() + timing.silenceMs;
    for (let failures = 1;; failures++) {
      try {
        await store.resign(epoch, { timeoutMs: timing.leaseMs });
        return metrics.count("tsoracle.driver.resignations.total", 1);
      } catch (error) {
        if (!isPassing(error) || clock.monotonicMs() >= giveUpMs) {
          return logger.warn("the term could not be given up; it ends by silence: {error}", {
            epoch: String(epoch),
            error,
          });
        }
      }
      await clock.delay(retryPauseMs(timing, failures));
    }
  }

  async #beatOn(): Promise<"overtaken" | "ended"> {
    const { clock, timing, sent } = this.#options;
    let dueMs = sent.monotonicMs + timing.beatEveryMs;
    for (let failures = 0;;) {
      await this.#until(dueMs);
      const isHeard = await this.#isHeard();
      if (this.#end.signal.aborted) return "ended";
      if (!isHeard) {
        dueMs = clock.monotonicMs() + retryPauseMs(timing, ++failures);
        continue;
      }
      const now = this.#certainty.mark();
      switch (await this.#beat(now)) {
        case "acknowledged":
          failures = 0;
          dueMs = now.monotonicMs + timing.beatEveryMs;
          break;
        case "failed":
          dueMs = clock.monotonicMs() + retryPauseMs(timing, ++failures);
          break;
        case "overtaken":
          return "overtaken";
      }
    }
  }

  async #until(dueMs: number): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#end;
    const waitMs = dueMs - clock.monotonicMs();
    if (waitMs > 0) await orAborted(clock.delay(waitMs, { signal }), signal);
  }

  /**
   * Whether the engine's answers arrive, which is asked once certainty has lapsed: heartbeats that are written and
   * whose answers are lost would keep the other nodes from taking over from one that cannot serve. And the engine may
   * have gone back meanwhile: a heartbeat under the same epoch of another node would count for both.
   *
   * @throws {PermanentError} if the store went back
   */
  async #isHeard(): Promise<boolean> {
    this.#noteLapse();
    if (!this.#hasLapsed) return true;
    const { store, timing, furthest } = this.#options;
    const { position: known } = furthest;
    try {
      const standing = await store.readStanding({ timeoutMs: timing.beatTimeoutMs });
      furthest.refuseBehind(standing, known);
      furthest.note(standing);
      return true;
    } catch (error) {
      if (isPassing(error)) return false;
      throw error;
    }
  }

  async #beat(sent: SendTime): Promise<"acknowledged" | "failed" | "overtaken"> {
    const { store, clock, timing, metrics, epoch } = this.#options;
    try {
      await store.beat(epoch, { timeoutMs: timing.beatTimeoutMs });
    } catch (error) {
      metrics.count("tsoracle.driver.heartbeats_failed.total", 1);
      this.#noteLapse();
      if (isOvertaken(error)) return "overtaken";
      if (!isPassing(error)) throw error;
      return "failed";
    }
    this.#certainty.extend(sent);
    this.#hasLapsed = !this.#certainty.isCertain;
    metrics.count("tsoracle.driver.heartbeats.total", 1);
    const tookMs = clock.monotonicMs() - sent.monotonicMs;
    metrics.observe("tsoracle.driver.heartbeat_latency", tookMs / 1_000);
    return "acknowledged";
  }

  #noteLapse(): void {
    if (this.#hasLapsed || this.#end.signal.aborted || this.#certainty.isCertain) return;
    this.#hasLapsed = true;
    this.#options.metrics.count("tsoracle.driver.certainty_lost.total", 1);
    logger.warn("this node leads and is no longer certain of it: no heartbeat is acknowledged", {
      epoch: String(this.#options.epoch),
    });
  }
}
