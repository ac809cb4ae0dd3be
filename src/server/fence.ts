// SPDX-License-Identifier: Apache-2.0

import { getLogger } from "@logtape/logtape";
import type { LeaderEvent } from "../consensus/driver.ts";
import { checkAdvance } from "../consensus/errors.ts";
import { orAborted } from "../core/abortable.ts";
import type { Epoch } from "../core/epoch.ts";
import { checkPhysicalMs } from "../core/timestamp.ts";
import type { EventCursor } from "./event_cursor.ts";
import type { Meter } from "./meter.ts";
import type { OracleSettings } from "./options.ts";
import { classifyPersistFault } from "./persist_fault.ts";
import { isRetryToWarnOf, retryDelayMs } from "./retry_delay.ts";
import type { FencedTerm, ServingCore } from "./serving_core.ts";
import { checkPersisted } from "./window.ts";

const logger = getLogger(["tsoracle", "server"]);

/** How a fence ended, if it did not throw. */
export type FenceOutcome = "serving" | "superseded" | "deposed";

const NOTHING_FAILED = { epoch: undefined, attempts: 0 };

type SecuredWindow = Pick<FencedTerm, "floorMs" | "highWaterMs" | "epoch">;

type AttemptOutcome =
  | { readonly kind: "done"; readonly outcome: FenceOutcome }
  | { readonly kind: "retry"; readonly error: unknown };

/** Writes to the store under the present epoch. */
export interface Writer {
  /** Waits until no write is under way, whatever its epoch; ends early by throwing the signal's reason. */
  drain(signal: AbortSignal): Promise<void>;
}

/** What a fence works with. */
export interface FenceOptions {
  /** Checked settings of the oracle. */
  readonly settings: OracleSettings;
  /** Allocator and published state. */
  readonly core: ServingCore;
  /** What has to settle before the high-water is loaded: writes of the prior epoch. */
  readonly writers: readonly Writer[];
  /** Counters and histograms. */
  readonly meter: Meter;
  /** Tells whether something newer has happened, or a stop was requested. */
  readonly cursor: EventCursor;
  /** The stop of the oracle. */
  readonly stop: AbortSignal;
  /** Fires when driver calls are to be abandoned: the shutdown grace is over. */
  readonly abandon: AbortSignal;
}

/**
 * Makes a new leadership safe to serve (behaviour.md 2.4, 3.4):
 *
 *     serving_floor = max(prior_max + 1, now)
 *     actual        = persist(serving_floor + failover_advance, epoch)
 *
 * The prior leader may have issued `(prior_max, LOGICAL_MAX)`, hence the `+ 1`.
 *
 * Waits (for extensions of the prior epoch, and between attempts) end at once when an event is ready or a
 * stop is requested; an attempt runs to its end, and then publishes nothing if either has come meanwhile.
 */
export class Fence {
  readonly #options: FenceOptions;
  /** What is durable for an epoch that does not serve yet; to write it again would only use up range. */
  #secured: SecuredWindow | undefined;
  /** Failed attempts in a row; a confirmation of the same epoch does not begin a new row. */
  #failing: { readonly epoch: Epoch | undefined; attempts: number } = NOTHING_FAILED;

  /** Makes a fence; nothing runs before {@linkcode run}. */
  constructor(options: FenceOptions) {
    this.#options = options;
  }

  /**
   * Fences `event.epoch` and starts to serve it. The caller has stepped down before.
   *
   * @returns `serving`; `superseded` if an event, a stop or a hand-over came first; `deposed` if the store
   *   refused the epoch
   * @throws whatever is neither transient nor a refusal of the epoch: the node must not go on
   */
  async run(event: LeaderEvent): Promise<FenceOutcome> {
    const { settings, meter, cursor } = this.#options;
    const { clock } = settings;
    const startedMs = clock.monotonicMs();
    if (this.#failing.epoch !== event.epoch) this.#failing = { epoch: event.epoch, attempts: 0 };
    for (;;) {
      const attempt = await this.#attempt(event, startedMs);
      if (attempt.kind === "done") return attempt.outcome;
      const failures = ++this.#failing.attempts;
      meter.count("tsoracle.leader_transition.fence_transient_retries.total");
      if (isRetryToWarnOf(failures)) warnOfRetry(event.epoch, failures, attempt.error);
      const { wake } = cursor;
      await orAborted(clock.delay(retryDelayMs(failures), { signal: wake }), wake);
    }
  }

  async #attempt(event: LeaderEvent, startedMs: number): Promise<AttemptOutcome> {
    const { core, cursor, settings, meter } = this.#options;
    const { wake } = cursor;
    if (!wake.aborted) await orAborted(this.#drain(wake), wake);
    if (wake.aborted || core.isRetired) return done("superseded");
    let term: FencedTerm;
    try {
      term = await this.#secure(event);
    } catch (error) {
      return this.#refused(error);
    }
    if (this.#isSuperseded(event.epoch)) return done("superseded");
    core.beginServing(term);
    this.#secured = undefined;
    this.#failing = NOTHING_FAILED;
    const seconds = (settings.clock.monotonicMs() - startedMs) / 1_000;
    meter.observe("tsoracle.leader_transition.fence_latency", seconds);
    await settings.failpoint?.("server::fence::after_serving_published");
    return done("serving");
  }

  async #drain(wake: AbortSignal): Promise<void> {
    await Promise.all(this.#options.writers.map((writer) => writer.drain(wake)));
  }

  async #secure({ epoch, certainUntil }: LeaderEvent): Promise<FencedTerm> {
    const { settings: { driver, failpoint }, abandon } = this.#options;
    if (this.#secured?.epoch !== epoch) this.#secured = await this.#secureWindow(epoch);
    // Only now: the persist has shut out replacements by the prior leader.
    const leases = await driver.loadLeases?.({ signal: abandon }) ?? [];
    await failpoint?.("server::fence::after_persist_before_publish");
    return { ...this.#secured, leases, certainUntil };
  }

  async #secureWindow(epoch: Epoch): Promise<SecuredWindow> {
    const { settings, abandon } = this.#options;
    const { driver, clock, failoverAdvanceMs, failpoint } = settings;
    const priorMaxMs = checkPhysicalMs(await driver.loadHighWater({ signal: abandon }));
    await failpoint?.("server::fence::after_load_before_persist");
    const floorMs = Math.max(priorMaxMs + 1, clock.nowMs());
    const requestedMs = floorMs + failoverAdvanceMs;
    checkAdvance(requestedMs);
    const persistedMs = await driver.persistHighWater(requestedMs, epoch, { signal: abandon });
    checkPersisted(persistedMs, requestedMs);
    return { floorMs, highWaterMs: persistedMs, epoch };
  }

  /** A refused epoch keeps the node out until the next event; a broken store ends it. */
  #refused(error: unknown): AttemptOutcome {
    const fault = classifyPersistFault(error);
    switch (fault.kind) {
      case "stepped-down":
        this.#options.core.stepDown();
        return done("deposed");
      case "transient":
        return { kind: "retry", error };
      case "fatal":
        throw error;
    }
  }

  /** A confirmation of the same epoch does not make the attempt stale; anything else does. */
  #isSuperseded(epoch: Epoch): boolean {
    const { core, cursor, stop } = this.#options;
    if (stop.aborted || core.isRetired) return true;
    const arrival = cursor.ready;
    if (arrival === undefined) return false;
    return !(arrival.kind === "event" && arrival.event.kind === "leader" &&
      arrival.event.epoch === epoch);
  }
}

function done(outcome: FenceOutcome): AttemptOutcome {
  return { kind: "done", outcome };
}

function warnOfRetry(epoch: Epoch, failures: number, error: unknown): void {
  logger.warn("the fence does not get through; this node leads but does not serve yet", {
    epoch: String(epoch),
    failures,
    error,
  });
}
