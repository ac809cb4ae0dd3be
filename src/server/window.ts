// SPDX-License-Identifier: Apache-2.0

import { abortable } from "../core/abortable.ts";
import type { ConsensusDriver } from "../consensus/driver.ts";
import type { GrantOutcome, PrepareOutcome } from "../core/allocator.ts";
import type { Clock } from "../core/clock.ts";
import { isPhysicalMs } from "../core/timestamp.ts";
import { OracleError } from "./errors.ts";
import type { Meter } from "./meter.ts";
import type { OracleSettings } from "./options.ts";
import { classifyPersistFault } from "./persist_fault.ts";
import { retryDelayMs } from "./retry_delay.ts";
import type { ServingCore } from "./serving_core.ts";
import { deferred } from "../core/deferred.ts";

type Prepared = Extract<PrepareOutcome, { kind: "prepared" }>;

/** How an extension ended for those who wait: the retried grant decides, unless it failed. */
type Settlement =
  | { readonly kind: "advanced" }
  | { readonly kind: "term-ended" }
  | { readonly kind: "failed"; readonly error: OracleError };

const ADVANCED: Settlement = { kind: "advanced" };
const TERM_ENDED: Settlement = { kind: "term-ended" };

/** The one extension under way. */
interface Flight {
  /** Whether a request asked for it; otherwise it is a refill ahead of need. */
  readonly onDemand: boolean;
  /** Settles when the persist has settled. The fence waits for this one. */
  readonly persisted: Promise<Settlement>;
  /** Settles then, or already when the leadership ends. Requests wait for this one. */
  readonly released: Promise<Settlement>;
}

/** What an extender works with. */
export interface WindowExtenderOptions {
  /** Checked settings of the oracle. */
  readonly settings: OracleSettings;
  /** Allocator and certainty. */
  readonly core: ServingCore;
  /** Counters and histograms. */
  readonly meter: Meter;
  /** Fires when driver calls are to be abandoned: the shutdown grace is over. */
  readonly abandon: AbortSignal;
}

/**
 * Raises the high-water, single-flight: ahead of need in the background, or on demand for requests that
 * found the window empty. However many wait, one persist is under way.
 */
export class WindowExtender {
  readonly #settings: OracleSettings;
  readonly #driver: ConsensusDriver;
  readonly #clock: Clock;
  readonly #core: ServingCore;
  readonly #meter: Meter;
  readonly #abandon: AbortSignal;
  #flight: Flight | undefined;
  #failedRefills = 0;
  #refillNotBeforeMs = -Infinity;

  /** Makes an extender with nothing under way. */
  constructor(options: WindowExtenderOptions) {
    this.#settings = options.settings;
    this.#driver = options.settings.driver;
    this.#clock = options.settings.clock;
    this.#core = options.core;
    this.#meter = options.meter;
    this.#abandon = options.abandon;
  }

  /**
   * Starts a refill in the background if the window reaches less far than it should. Does nothing while an
   * extension is under way, while this node is not certain to lead, and for a moment after a refill failed.
   *
   * @param nowMs the clock sample of the grant that found too little left
   */
  refill(nowMs: number): void {
    if (this.#flight !== undefined || !this.#core.isServing) return;
    if (this.#clock.monotonicMs() < this.#refillNotBeforeMs) return;
    const { windowAheadMs, failoverAdvanceMs } = this.#settings;
    const next = this.#core.allocator.prepareRefill(nowMs, windowAheadMs, failoverAdvanceMs);
    if (next.kind === "prepared") this.#launch(next, false);
  }

  /** Starts a refill if less of the window is left than should be. `nowMs` is the clock sample of a grant. */
  refillIfLow(nowMs: number): void {
    if (this.#core.allocator.remainingMs < this.#settings.refillBelowMs) this.refill(nowMs);
  }

  /**
   * Grants after waiting for room. It joins the extension under way, or starts one of its own, and does so
   * again if others have used the room up before its turn. A failed refill is followed by an attempt on
   * demand; a failed attempt on demand fails all who waited for it.
   *
   * The grant keeps the clock sample of its request. An extension that starts after a wait reaches for the
   * clock as it is by then: otherwise an engine slower than a window would serve its queue one by one and
   * never catch up.
   *
   * @param nowMs the clock sample of the request
   * @param count how many timestamps
   * @param signal the caller has gone
   * @throws {OracleError} `not-leader` if the leadership ended or became uncertain meanwhile, otherwise
   *   what the failed extension says
   */
  async grantAfterExtension(
    nowMs: number,
    count: number,
    signal: AbortSignal | undefined,
  ): Promise<GrantOutcome> {
    for (let reachForMs = nowMs;; reachForMs = Math.max(nowMs, this.#clock.nowMs())) {
      const flight = this.#flight ?? this.#launchOnDemand(reachForMs);
      const settlement = signal === undefined
        ? await flight.released
        : await abortable(flight.released, signal);
      if (!this.#core.isServing) throw this.#core.notLeader();
      const outcome = this.#core.allocator.tryGrant(nowMs, count);
      if (outcome.kind !== "window-exhausted") return outcome;
      if (settlement.kind === "failed" && flight.onDemand) throw settlement.error;
    }
  }

  /**
   * Waits until the persist under way has settled, whatever its epoch. After a step-down no other can
   * start, so that the fence then loads a high-water that nothing of the prior epoch will change.
   *
   * @param signal ends the wait; the promise then rejects with its reason
   */
  async drain(signal: AbortSignal): Promise<void> {
    if (this.#flight !== undefined) await abortable(this.#flight.persisted, signal);
  }

  #launchOnDemand(nowMs: number): Flight {
    const next = this.#core.allocator.prepareExtension(nowMs, this.#settings.windowAheadMs);
    if (next.kind === "prepared") return this.#launch(next, true);
    if (next.kind === "physical-ms-out-of-range") throw beyondRange(next.physicalMs);
    throw this.#core.notLeader();
  }

  #launch(next: Prepared, onDemand: boolean): Flight {
    const released = deferred<Settlement>();
    const { termSignal } = this.#core;
    const release = () => released.resolve(TERM_ENDED);
    termSignal.addEventListener("abort", release, { once: true });
    const persisted = this.#extend(next).then((settlement) => {
      termSignal.removeEventListener("abort", release);
      this.#flight = undefined;
      if (!onDemand) this.#noteRefill(settlement);
      released.resolve(settlement);
      return settlement;
    });
    this.#flight = { onDemand, persisted, released: released.promise };
    return this.#flight;
  }

  /** Never rejects. The epoch is checked again after the wait, by the commit or before a step-down. */
  async #extend(next: Prepared): Promise<Settlement> {
    try {
      const persistedMs = await this.#persist(next);
      const commit = this.#core.allocator.commitExtension(persistedMs, next.epoch);
      if (commit.kind === "applied") return ADVANCED;
      this.#countIgnored(commit.reason);
      // A lease has raised the high-water further meanwhile: that is room as well.
      return commit.reason === "not-advanced" ? ADVANCED : TERM_ENDED;
    } catch (error) {
      const fault = classifyPersistFault(error);
      if (fault.kind !== "stepped-down") {
        return {
          kind: "failed",
          error: new OracleError(fault.code, fault.message, { cause: error }),
        };
      }
      this.#core.depose(next.epoch, fault.fencedBy);
      return TERM_ENDED;
    }
  }

  async #persist(next: Prepared): Promise<number> {
    const startedMs = this.#clock.monotonicMs();
    try {
      const persistedMs = await this.#driver.persistHighWater(next.highWaterMs, next.epoch, {
        signal: this.#abandon,
      });
      return checkPersisted(persistedMs, next.highWaterMs);
    } finally {
      const seconds = (this.#clock.monotonicMs() - startedMs) / 1_000;
      this.#meter.count("tsoracle.window.extensions.total");
      this.#meter.observe("tsoracle.window.extension_latency", seconds);
    }
  }

  #noteRefill(settlement: Settlement): void {
    this.#failedRefills = settlement.kind === "failed" ? this.#failedRefills + 1 : 0;
    this.#refillNotBeforeMs = this.#failedRefills === 0
      ? -Infinity
      : this.#clock.monotonicMs() + retryDelayMs(this.#failedRefills);
  }

  #countIgnored(reason: "not-leader" | "epoch-mismatch" | "not-advanced"): void {
    switch (reason) {
      case "not-leader":
        return this.#meter.count("tsoracle.window.extensions.ignored.not_leader.total");
      case "epoch-mismatch":
        return this.#meter.count("tsoracle.window.extensions.ignored.epoch_mismatch.total");
      case "not-advanced":
        return this.#meter.count("tsoracle.window.extensions.ignored.not_advanced.total");
    }
  }
}

/** The answer to a request that the 46-bit range has no room for. */
export function beyondRange(physicalMs: number): OracleError {
  return new OracleError(
    "out-of-range",
    `physical_ms ${physicalMs} exceeds 46-bit timestamp field`,
  );
}

/**
 * The pair of the driver's own check before the write: what came back is a high-water, and not below what
 * was asked for.
 *
 * @throws {RangeError} if the driver broke its contract
 */
export function checkPersisted(persistedMs: number, atLeastMs: number): number {
  if (isPhysicalMs(persistedMs) && persistedMs >= atLeastMs) return persistedMs;
  throw new RangeError(
    `the driver broke its contract: asked for at least ${atLeastMs}, it returned ${persistedMs}`,
  );
}
