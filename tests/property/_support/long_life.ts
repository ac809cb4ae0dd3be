// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { TransientError } from "../../../src/consensus/errors.ts";
import type { Grant } from "../../../src/core/allocator.ts";
import { OracleError } from "../../../src/server/errors.ts";
import { Oracle } from "../../../src/server/oracle.ts";
import { ManualClock, settle } from "../../../src/testing/manual_clock.ts";
import { ScriptedDriver } from "../../../src/testing/scripted_driver.ts";
import { GrantOrder } from "../../_support/grant_order.ts";

/** What an oracle lives with. */
export interface LifeOptions {
  readonly windowAheadMs: number;
  readonly failoverAdvanceMs: number;
  readonly refillFraction: number;
  /** How long each persist takes. */
  readonly latencyMs: number;
}

/** A persist, as it was asked for. */
export interface PersistRequest {
  readonly atLeastMs: number;
  /** Whether a fence asked; otherwise an extension or a refill. */
  readonly isFence: boolean;
  readonly nowMs: number;
  /** The latest reading that the wall clock ever had. */
  readonly latestMs: number;
  /** The furthest that the cursor can be, or the first millisecond above the durable high-water for a fence. */
  readonly cursorMs: number;
}

/** Looks at every persist when it is asked for: nothing else moves the high-water. */
export type PersistCheck = (request: PersistRequest) => void;

const START_MS = 1_700_000_000_000;
const MAX_FENCE_STEPS = 200;

/** One oracle through hours of a manual clock. */
export class LongLife implements AsyncDisposable {
  readonly #options: LifeOptions;
  readonly #clock = new ManualClock({ nowMs: START_MS });
  readonly #driver = new ScriptedDriver();
  readonly #oracle: Oracle;
  readonly #order = new GrantOrder();
  #latestMs = START_MS;
  #epoch = 0n;
  #failures = 0;
  #waited = 0;
  #waiting = 0;
  #fault: unknown;

  constructor(options: LifeOptions, check: PersistCheck) {
    const { latencyMs, ...windows } = options;
    this.#options = options;
    this.#driver.beforePersist = async ({ atLeastMs }) => {
      this.#guard(() => check(this.#requestOf(atLeastMs)));
      await this.#clock.delay(latencyMs);
      if (this.#failures-- > 0) throw new TransientError("a hiccup");
    };
    this.#oracle = new Oracle({
      driver: this.#driver,
      clock: this.#clock,
      heartbeatIntervalMs: 0,
      ...windows,
    });
  }

  /** Calls that did not have their answer at once. */
  get waited(): number {
    return this.#waited;
  }

  /** Calls that have no answer yet. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Persists asked for so far. */
  get persists(): number {
    return this.#driver.persists.length;
  }

  /** The safe point, in milliseconds after the start of this life. */
  get safeMs(): number {
    return this.#oracle.currentMaxSafe().physicalMs - START_MS;
  }

  /** The wall clock, in milliseconds after the start of this life. */
  get nowMs(): number {
    return this.#clock.nowMs() - START_MS;
  }

  /** Changes the leader to this same node under a new epoch, and waits until it serves. */
  async changeLeader(): Promise<void> {
    this.#epoch += 1n;
    this.#driver.announce({ kind: "leader", epoch: this.#epoch });
    await settle();
    for (let step = 0; step < MAX_FENCE_STEPS && !this.#oracle.isServing; step++) {
      await this.pass(Math.max(1, this.#options.latencyMs));
    }
    assert(this.#oracle.isServing, "the fence did not get through");
  }

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    await this.#clock.advance(ms);
    this.#latestMs = Math.max(this.#latestMs, this.#clock.nowMs());
    this.#throwFault();
  }

  /** Moves the wall clock alone. */
  jump(ms: number): void {
    this.#clock.jumpTo(this.#clock.nowMs() + ms);
    this.#latestMs = Math.max(this.#latestMs, this.#clock.nowMs());
  }

  /** Makes the next persists fail. */
  fail(persists: number): void {
    this.#failures = persists;
  }

  /** Asks for timestamps. */
  ask(count: number): void {
    const asked = this.#oracle.getTs(count);
    if (!(asked instanceof Promise)) return this.#order.note(asked);
    this.#waited++;
    this.#waiting++;
    void asked.then(
      (grant: Grant) => this.#guard(() => this.#order.note(grant)),
      (error: unknown) => this.#guard(() => assert(error instanceof OracleError, String(error))),
    ).finally(() => this.#waiting--);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.#oracle.close();
    await this.#clock.advance(this.#options.latencyMs);
    await closed;
  }

  #requestOf(atLeastMs: number): PersistRequest {
    const { serving: isServing, highWaterMs, remainingMs } = this.#oracle.snapshot();
    const reachedMs = remainingMs === 0 ? highWaterMs + 1 : highWaterMs - remainingMs;
    return {
      atLeastMs,
      isFence: !isServing,
      nowMs: this.#clock.nowMs(),
      latestMs: Math.max(this.#latestMs, this.#clock.nowMs()),
      cursorMs: isServing ? reachedMs : this.#driver.highWaterMs + 1,
    };
  }

  /** Keeps a failed check of a reaction until the test looks. */
  #guard(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#fault ??= error;
    }
  }

  #throwFault(): void {
    if (this.#fault !== undefined) throw this.#fault;
  }
}
