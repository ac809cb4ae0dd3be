// SPDX-License-Identifier: Apache-2.0

import { getLogger } from "@logtape/logtape";
import { orAborted } from "../core/abortable.ts";
import type { Grant, GrantOutcome } from "../core/allocator.ts";
import type { Epoch } from "../core/epoch.ts";
import { OracleError } from "./errors.ts";
import { EventCursor } from "./event_cursor.ts";
import { Fence } from "./fence.ts";
import { GrantTally } from "./grant_tally.ts";
import { handOver } from "./hand_over.ts";
import type { HandOverOptions } from "./hand_over.ts";
import { beat } from "./heartbeat.ts";
import { keepWindowFresh } from "./idle_refill.ts";
import { LeaderWatch } from "./leader_watch.ts";
import { Leases } from "./leases.ts";
import { Meter } from "./meter.ts";
import { resolveOptions } from "./options.ts";
import type { OracleOptions, OracleSettings } from "./options.ts";
import type { ServingState } from "./serving.ts";
import { Sequences } from "./sequences.ts";
import type { CallOptions } from "./call_options.ts";
import { ServingCore } from "./serving_core.ts";
import { snapshotOf } from "./snapshot.ts";
import type { OracleSnapshot } from "./snapshot.ts";
import { beyondRange, WindowExtender } from "./window.ts";
import { deferred } from "../core/deferred.ts";
import type { Deferred } from "../core/deferred.ts";

const logger = getLogger(["tsoracle", "server"]);

/** A safe point: no later grant, on any node, lies at or below it. */
export interface MaxSafe {
  /** Milliseconds since the Unix epoch; 0 promises nothing. */
  readonly physicalMs: number;
  /** The epoch that answers for it; zero if this node does not lead. */
  readonly epoch: Epoch;
}

/**
 * How an oracle ended: stopped by `close()`; abandoned, because the driver did not settle within the
 * shutdown grace; or failed, because it could not go on.
 */
export type OracleEnd =
  | { readonly kind: "stopped" }
  | { readonly kind: "abandoned" }
  | {
    readonly kind: "failed";
    /** What the driver or the fence threw. */
    readonly error: unknown;
  };

/**
 * Hands out strictly increasing timestamps on the strength of a driver. It starts with its construction
 * and is free of any transport.
 *
 * @example
 * ```ts
 * import { Oracle } from "@tsoracle/tsoracle/server";
 * import { MemoryDriver } from "@tsoracle/tsoracle/drivers/memory";
 *
 * await using oracle = new Oracle({ driver: new MemoryDriver() });
 * await oracle.untilServing();
 * const { physicalMs, logicalStart } = await oracle.getTs(1);
 * ```
 */
export class Oracle implements AsyncDisposable {
  /** Settles once the oracle has ended, by `close()` or because it could not go on. It never rejects. */
  readonly finished: Promise<OracleEnd>;
  /** Gapless counters. */
  readonly sequences: Sequences;
  /** Leases. */
  readonly leases: Leases;
  readonly #end: Deferred<OracleEnd> = deferred<OracleEnd>();
  readonly #settings: OracleSettings;
  readonly #meter: Meter;
  readonly #tally: GrantTally;
  readonly #core: ServingCore;
  readonly #extender: WindowExtender;
  readonly #watch: LeaderWatch;
  readonly #stop = new AbortController();
  readonly #abandon = new AbortController();
  readonly #tasks: Promise<unknown>;
  #handingOver: Promise<boolean> | undefined;
  #closing: Promise<OracleEnd> | undefined;

  /**
   * Starts to follow the driver's leadership. It serves as soon as the first fence is through.
   *
   * @throws {RangeError} if an option is out of its range
   */
  constructor(options: OracleOptions) {
    const settings = resolveOptions(options);
    const { driver, clock } = settings;
    const stop = this.#stop.signal;
    const abandon = this.#abandon.signal;
    const meter = new Meter(settings.metrics);
    const core = new ServingCore(clock, meter);
    const extender = new WindowExtender({ settings, core, meter, abandon });
    const sequences = new Sequences({ settings, core, meter, abandon });
    const leases = new Leases({ settings, core, meter, abandon });
    const writers = [extender, leases];
    const cursor = new EventCursor(driver.leadershipEvents({ signal: stop }), stop);
    const fence = new Fence({ settings, core, writers, meter, cursor, stop, abandon });
    this.#settings = settings;
    this.#meter = meter;
    this.#tally = new GrantTally(meter);
    this.#core = core;
    this.#extender = extender;
    this.sequences = sequences;
    this.leases = leases;
    this.#watch = new LeaderWatch({ settings, core, meter, cursor, fence });
    this.finished = this.#end.promise;
    this.#tasks = Promise.all([this.#follow(), this.#keepFresh(), this.#beat()]);
  }

  /** The published serving state. It can say serving while the driver is in doubt: see {@linkcode isServing}. */
  get state(): ServingState {
    return this.#core.state;
  }

  /** Whether a call would be granted now: serving, and certain of the leadership. */
  get isServing(): boolean {
    return this.#core.isServing;
  }

  /**
   * The present state, then each later one; a slow reader misses the states in between, never the last.
   *
   * @param options.signal ends the stream, by throwing its reason to a reader that waits
   */
  watchState(
    options: { readonly signal: AbortSignal },
  ): AsyncGenerator<ServingState, void, undefined> {
    return this.#core.watch(options.signal);
  }

  /**
   * Waits until the published state says serving.
   *
   * @param options.signal ends the wait, by throwing its reason
   * @throws {OracleError} `not-leader` if the oracle ends, or has handed over, first
   */
  async untilServing(options: CallOptions = {}): Promise<void> {
    const ended = this.#stop.signal;
    const signal = options.signal === undefined ? ended : AbortSignal.any([ended, options.signal]);
    try {
      for await (const state of this.#core.watch(signal)) {
        if (state.kind === "serving") return;
        if (this.#core.isRetired) break;
      }
    } catch (error) {
      if (!ended.aborted) throw error;
    }
    throw new OracleError("not-leader", "the oracle ended before it served");
  }

  /**
   * Grants `count` timestamps, each above every timestamp granted before on any node. While the window has
   * room the grant is returned as it is, without a promise; `await` takes both.
   *
   * One sample of the wall clock serves the whole call. Certainty of the leadership is checked at the grant
   * with a fresh sample of the monotonic clock.
   *
   * @param count 1 to 262144
   * @throws {OracleError} see the codes; a wait that `options.signal` ends throws the signal's reason
   */
  getTs(count: number, options: CallOptions = {}): Grant | Promise<Grant> {
    if (!(count >= 1)) throw new OracleError("invalid-count", "count must be >= 1");
    this.#meter.count("tsoracle.get_ts.requests.total");
    if (!this.#core.isServing) throw this.#core.notLeader();
    const nowMs = this.#settings.clock.nowMs();
    const outcome = this.#core.allocator.tryGrant(nowMs, count);
    if (outcome.kind === "window-exhausted") return this.#getTsLater(nowMs, count, options.signal);
    return this.#deliver(outcome, nowMs);
  }

  /** The wall clock that grants follow, in milliseconds since the Unix epoch. */
  wallMs(): number {
    return this.#settings.clock.nowMs();
  }

  /**
   * Grants like {@linkcode Oracle.getTs}, if that needs no wait and no refusal. Otherwise nothing has happened, and
   * nothing was counted. The metrics learn of the grants of a turn together, at its end. Certainty is checked with a fresh sample of the monotonic clock here too.
   *
   * @param nowMs a sample of {@linkcode Oracle.wallMs} that was taken after the call had come; calls that came together
   *   may share one. By default it is taken here
   */
  getTsNow(count: number, nowMs: number = this.wallMs()): Grant | undefined {
    if (!this.#core.isServing) return undefined;
    const outcome = this.#core.allocator.tryGrant(nowMs, count);
    if (outcome.kind !== "granted") return undefined;
    this.#tally.add(outcome.count);
    this.#extender.refillIfLow(nowMs);
    return outcome;
  }

  /**
   * A safe point for reading in the past. It moves with the clock on an idle oracle, because the cursor is
   * moved up to now first. On a node that does not lead it is zero.
   */
  currentMaxSafe(): MaxSafe {
    const { allocator } = this.#core;
    if (!this.#core.isServing) return { physicalMs: 0, epoch: 0n };
    allocator.advanceTo(this.#settings.clock.nowMs());
    const { highWaterMs = 0, nextPhysicalMs = 0, epoch = 0n } = allocator;
    const reachedMs = Math.min(highWaterMs - this.#settings.windowAheadMs, nextPhysicalMs);
    return { physicalMs: Math.max(0, reachedMs - 1), epoch };
  }

  /** The figures behind the gauges. */
  snapshot(): OracleSnapshot {
    return snapshotOf(this.#core, this.#settings.clock);
  }

  /**
   * Hands the leadership over to another node, for good: this oracle answers not-leader from now on, and names the
   * successor as soon as the driver tells of it. Calls of sequences that have begun are finished first, so that their
   * callers know what became of them. It is for a server that is about to stop and still answers;
   * {@linkcode Oracle.close} comes after it.
   *
   * Over a driver that cannot resign nothing happens: there is nobody to hand over to, and calls are granted until
   * the close. Calling it again returns the same promise.
   *
   * @returns whether a successor is known
   * @throws {RangeError} if the limit is out of its range
   */
  handOver(options: HandOverOptions = {}): Promise<boolean> {
    this.#handingOver ??= handOver(options, {
      settings: this.#settings,
      core: this.#core,
      sequences: this.sequences,
      stop: this.#stop.signal,
    });
    return this.#handingOver;
  }

  /**
   * Says not-serving at once, lets driver calls under way finish within the shutdown grace, and abandons
   * them after it. Calling it again returns the same promise. The driver is not closed.
   */
  close(): Promise<OracleEnd> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  /** Closes the oracle. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #getTsLater(nowMs: number, count: number, signal: AbortSignal | undefined): Promise<Grant> {
    const outcome = await this.#extender.grantAfterExtension(nowMs, count, signal);
    return this.#deliver(outcome, nowMs);
  }

  #deliver(outcome: GrantOutcome, nowMs: number): Grant {
    switch (outcome.kind) {
      case "granted":
        this.#meter.count("tsoracle.get_ts.success.total");
        this.#meter.count("tsoracle.get_ts.timestamps_issued", outcome.count);
        this.#extender.refillIfLow(nowMs);
        return outcome;
      case "not-leader":
        throw this.#core.notLeader();
      case "invalid-count":
        throw new OracleError("invalid-count", `invalid count: ${outcome.count}`);
      case "physical-ms-out-of-range":
        throw beyondRange(outcome.physicalMs);
      case "window-exhausted":
        throw new OracleError("window-exhausted", "window exhausted");
    }
  }

  async #follow(): Promise<void> {
    try {
      await this.#watch.run();
    } catch (error) {
      this.#core.stepDown();
      if (!this.#abandon.signal.aborted) {
        logger.error("leader watch ended; this node does not serve any more: {error}", { error });
      }
      this.#end.resolve({ kind: "failed", error });
      this.#stop.abort();
    }
  }

  async #keepFresh(): Promise<void> {
    const { signal: stop } = this.#stop;
    try {
      await keepWindowFresh({
        settings: this.#settings,
        core: this.#core,
        extender: this.#extender,
        stop,
      });
    } catch (error) {
      if (!stop.aborted) logger.error("idle refills ended; grants go on: {error}", { error });
    }
  }

  async #beat(): Promise<void> {
    const { heartbeatIntervalMs: intervalMs, clock } = this.#settings;
    if (intervalMs === 0) return;
    const { signal: stop } = this.#stop;
    try {
      await beat({
        intervalMs,
        clock,
        core: this.#core,
        meter: this.#meter,
        watch: this.#watch,
        stop,
      });
    } catch (error) {
      this.#meter.count("tsoracle.heartbeat.task_panicked.total");
      logger.error("heartbeat ended; serving goes on: {error}", { error });
    }
  }

  async #shutDown(): Promise<OracleEnd> {
    this.#core.stepDown();
    this.#stop.abort();
    const settled = new AbortController();
    const { signal: abandoned } = this.#abandon;
    const tasks = Promise.all([
      this.#tasks,
      this.#extender.drain(abandoned),
      this.leases.drain(abandoned),
      this.sequences.drain(),
    ]);
    void tasks.then(() => settled.abort(), () => settled.abort());
    await this.#grace(settled.signal);
    if (settled.signal.aborted) {
      this.#end.resolve({ kind: "stopped" });
      return await this.finished;
    }
    this.#end.resolve({ kind: "abandoned" });
    this.#meter.count("tsoracle.shutdown.watch_aborted.total");
    logger.warn("the driver did not settle within the shutdown grace; its calls are abandoned");
    this.#abandon.abort();
    return await this.finished;
  }

  async #grace(settled: AbortSignal): Promise<void> {
    const { clock, shutdownGraceMs } = this.#settings;
    await orAborted(clock.delay(shutdownGraceMs, { signal: settled }), settled);
  }
}
