// SPDX-License-Identifier: Apache-2.0

import { getLogger } from "@logtape/logtape";
import { Allocator } from "../core/allocator.ts";
import type { Clock } from "../core/clock.ts";
import type { Epoch } from "../core/epoch.ts";
import { LeaseTable } from "../core/lease_table.ts";
import type { LeaseRecord } from "../core/lease_table.ts";
import type { LeaderHint } from "./errors.ts";
import { OracleError } from "./errors.ts";
import type { Meter } from "./meter.ts";
import type { ServingState } from "./serving.ts";
import { ServingSwitch } from "./serving.ts";

const logger = getLogger(["tsoracle", "server"]);

/** A leadership that the fence has made safe to serve. */
export interface FencedTerm {
  /** First millisecond to grant. */
  readonly floorMs: number;
  /** Durable high-water under the epoch, in milliseconds. */
  readonly highWaterMs: number;
  /** The fenced epoch. */
  readonly epoch: Epoch;
  /** What the store holds in leases; absent: none. */
  readonly leases?: readonly LeaseRecord[];
  /** Until when the leadership is certain on the monotonic clock; absent: always. */
  readonly certainUntil?: (() => number) | undefined;
}

/**
 * The one place where leadership starts and ends: allocator, leases, certainty and published state move
 * together.
 *
 * Invariants: allocator and leases are cleared before not-serving is published; both happen in one turn and wait
 * for nothing; an allocator that leads and a state that says serving have the same epoch.
 */
export class ServingCore {
  /** The window. Only this class starts and ends its leadership. */
  readonly allocator: Allocator = new Allocator();
  /** The leases. Only this class begins and ends the table. */
  readonly leases: LeaseTable = new LeaseTable();
  readonly #switch = new ServingSwitch();
  readonly #clock: Clock;
  readonly #meter: Meter;
  #certainUntil: (() => number) | undefined;
  #hasReportedThrow = false;
  #isRetired = false;
  #term = new AbortController();

  /** Starts as not serving. */
  constructor(clock: Clock, meter: Meter) {
    this.#clock = clock;
    this.#meter = meter;
  }

  /** The published state. */
  get state(): ServingState {
    return this.#switch.state;
  }

  /** Fires when the present leadership ends. */
  get termSignal(): AbortSignal {
    return this.#term.signal;
  }

  /** Whether this node has given up leading for good. */
  get isRetired(): boolean {
    return this.#isRetired;
  }

  /** Whether this node serves and is, at this moment, certain that it leads. */
  get isServing(): boolean {
    return this.#switch.state.kind === "serving" && this.isCertain;
  }

  /** Whether no other node can lead yet, by a sample of the monotonic clock taken now. */
  get isCertain(): boolean {
    const until = this.#certainUntil;
    if (until === undefined) return true;
    try {
      return this.#clock.monotonicMs() < until();
    } catch (error) {
      this.#reportThrow(error);
      return false;
    }
  }

  /** For how long no other node can lead yet, in milliseconds; 0 if this one does not lead. */
  get certainForMs(): number {
    const until = this.#certainUntil;
    if (!this.isServing) return 0;
    return until === undefined ? Infinity : Math.max(0, until() - this.#clock.monotonicMs());
  }

  /** The present state, then each later one. */
  watch(signal: AbortSignal): AsyncGenerator<ServingState, void, undefined> {
    return this.#switch.watch(signal);
  }

  /** Ends the leadership, if any, and publishes not-serving with what is known about the leader. */
  stepDown(hint: LeaderHint = {}): void {
    this.allocator.stepDown();
    this.leases.clear();
    this.#certainUntil = undefined;
    this.#switch.publish({ kind: "not-serving", ...hint });
    this.#term.abort();
  }

  /** Ends the leadership, if any, for good. What is known about another leader stays published. */
  retire(): void {
    this.#isRetired = true;
    const { state } = this;
    this.stepDown(state.kind === "serving" ? {} : state);
  }

  /**
   * Ends the leadership because the store refused its epoch. An epoch that has passed is no news.
   *
   * @param fencedBy the epoch that the store holds, where the engine tells
   */
  depose(epoch: Epoch, fencedBy: Epoch | undefined): void {
    if (this.allocator.epoch === epoch) this.stepDown({ leaderEpoch: fencedBy });
  }

  /** Starts to serve a fenced term. The caller has found that the node is not retired, in the same turn. */
  beginServing(term: FencedTerm): void {
    this.allocator.becomeLeader(term.floorMs, term.highWaterMs, term.epoch);
    this.leases.seed(term.leases ?? [], this.#clock.nowMs());
    this.#certainUntil = term.certainUntil;
    this.#hasReportedThrow = false;
    this.#term = new AbortController();
    this.#switch.publish({ kind: "serving", epoch: term.epoch });
  }

  /** Takes a confirmation of the epoch that is being served. A lease does not become endless by it. */
  confirm(certainUntil: (() => number) | undefined): void {
    if (certainUntil !== undefined) this.#certainUntil = certainUntil;
  }

  /** Makes the one not-leader answer, counted once. A node in doubt about itself hints at nobody. */
  notLeader(): OracleError {
    this.#meter.count("tsoracle.not_leader.total");
    const state = this.#switch.state;
    const hint = state.kind === "serving"
      ? {}
      : { leaderEndpoint: state.leaderEndpoint, leaderEpoch: state.leaderEpoch };
    return new OracleError("not-leader", "not leader", { hint });
  }

  /** Once per term: the driver is asked at each grant. */
  #reportThrow(error: unknown): void {
    if (this.#hasReportedThrow) return;
    this.#hasReportedThrow = true;
    logger.error("the driver's certainUntil throws; this node is in doubt: {error}", { error });
  }
}
