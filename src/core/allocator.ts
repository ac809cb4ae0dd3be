// SPDX-License-Identifier: Apache-2.0

import type { Epoch } from "./epoch.ts";
import { CoreError } from "./errors.ts";
import { isPhysicalMs, LOGICAL_MAX, MAX_COUNT, PHYSICAL_MS_MAX } from "./timestamp.ts";

/** A block of timestamps `(physicalMs, logicalStart)` to `(physicalMs, logicalStart + count - 1)`. */
export interface Grant {
  /** Tells a grant from a refusal. */
  readonly kind: "granted";
  /** Milliseconds since the Unix epoch, at or below the durable high-water. */
  readonly physicalMs: number;
  /** First logical counter of the block. */
  readonly logicalStart: number;
  /** Number of timestamps in the block; always the number asked for. */
  readonly count: number;
  /** The epoch under which the block was granted. */
  readonly epoch: Epoch;
}

/** Why {@linkcode Allocator.tryGrant} granted nothing. A refusal changes no state. */
export type GrantRefusal =
  | { readonly kind: "invalid-count"; readonly count: number }
  | { readonly kind: "not-leader" }
  | { readonly kind: "physical-ms-out-of-range"; readonly physicalMs: number }
  | { readonly kind: "window-exhausted" };

/** Outcome of {@linkcode Allocator.tryGrant}. */
export type GrantOutcome = Grant | GrantRefusal;

/** Outcome of {@linkcode Allocator.prepareExtension} and {@linkcode Allocator.prepareRefill}. */
export type PrepareOutcome =
  | {
    readonly kind: "prepared";
    /** The high-water to make durable, in milliseconds. */
    readonly highWaterMs: number;
    /** The epoch to persist and to commit it under. */
    readonly epoch: Epoch;
  }
  | { readonly kind: "not-leader" }
  | { readonly kind: "not-needed" }
  | { readonly kind: "physical-ms-out-of-range"; readonly physicalMs: number };

/** Outcome of {@linkcode Allocator.commitExtension}. An ignored commit changes no state. */
export type CommitOutcome =
  | { readonly kind: "applied"; readonly highWaterMs: number }
  | { readonly kind: "ignored"; readonly reason: "not-leader" }
  | {
    readonly kind: "ignored";
    readonly reason: "epoch-mismatch";
    readonly expected: Epoch;
    readonly current: Epoch;
  }
  | { readonly kind: "ignored"; readonly reason: "not-advanced"; readonly highWaterMs: number };

const NOT_LEADER = { kind: "not-leader" } as const;
const NOT_NEEDED = { kind: "not-needed" } as const;
const WINDOW_EXHAUSTED = { kind: "window-exhausted" } as const;
const IGNORED_NOT_LEADER = { kind: "ignored", reason: "not-leader" } as const;

/** A validated leadership with its cursor. The next grant is at or after (nextMs, nextLogical). */
interface Leadership {
  readonly epoch: Epoch;
  highWaterMs: number;
  nextMs: number;
  nextLogical: number;
}

/**
 * The window of timestamps that a leader may grant from memory, and the cursor in it (behaviour.md 2.3).
 *
 * Invariants: nothing above the durable high-water is granted; every grant is above every earlier one; a
 * refused grant and an ignored commit change nothing. The caller brings the clock sample.
 *
 * @example A grant, an exhausted window and its extension
 * ```ts
 * import { Allocator } from "@tsoracle/tsoracle/server";
 * import assert from "node:assert/strict";
 *
 * const allocator = new Allocator();
 * allocator.becomeLeader(1_000, 1_002, 1n);
 * assert.equal(allocator.tryGrant(1_001, 2).kind, "granted");
 * assert.equal(allocator.tryGrant(1_003, 1).kind, "window-exhausted");
 * const next = allocator.prepareExtension(1_003, 3_000);
 * assert(next.kind === "prepared");
 * // ... make next.highWaterMs durable, then:
 * assert.equal(allocator.commitExtension(next.highWaterMs, next.epoch).kind, "applied");
 * ```
 */
export class Allocator {
  #leadership: Leadership | undefined;

  /** Whether a leadership is in force. */
  get isLeader(): boolean {
    return this.#leadership !== undefined;
  }

  /** The epoch of the leadership in force, if any. */
  get epoch(): Epoch | undefined {
    return this.#leadership?.epoch;
  }

  /** The durable high-water in milliseconds; `undefined` while not leader. */
  get highWaterMs(): number | undefined {
    return this.#leadership?.highWaterMs;
  }

  /** The millisecond of the cursor: no later grant lies below it; `undefined` while not leader. */
  get nextPhysicalMs(): number | undefined {
    return this.#leadership?.nextMs;
  }

  /** Milliseconds of the window not yet reached, `highWater - nextPhysical`; 0 while not leader. */
  get remainingMs(): number {
    const state = this.#leadership;
    return state === undefined ? 0 : Math.max(0, state.highWaterMs - state.nextMs);
  }

  /**
   * Starts a leadership that grants from (floorMs, 0) to (highWaterMs, LOGICAL_MAX).
   *
   * @param floorMs first millisecond to grant; above everything that any earlier epoch may have granted
   * @param highWaterMs the high-water already durable under this epoch
   * @param epoch the term of leadership
   * @throws {CoreError} `physical-ms-out-of-range` or, if the high-water is below the floor,
   *   `invalid-leadership-window`; the state is then unchanged
   */
  becomeLeader(floorMs: number, highWaterMs: number, epoch: Epoch): void {
    if (!isPhysicalMs(floorMs) || !isPhysicalMs(highWaterMs)) {
      throw new CoreError(
        "physical-ms-out-of-range",
        `Cannot lead from ${floorMs} to ${highWaterMs}: a bound exceeds 46-bit timestamp field`,
      );
    }
    if (highWaterMs < floorMs) {
      throw new CoreError(
        "invalid-leadership-window",
        `Cannot lead from ${floorMs}: the durable high-water ${highWaterMs} is below it`,
      );
    }
    this.#leadership = { epoch, highWaterMs, nextMs: floorMs, nextLogical: 0 };
  }

  /** Forgets the leadership. Nothing is granted until {@linkcode becomeLeader}. */
  stepDown(): void {
    this.#leadership = undefined;
  }

  /**
   * Grants `count` timestamps in one millisecond, at or above both the cursor and the clock.
   *
   * The count is checked before leadership, and a value that cannot be packed before the window
   * (behaviour.md 2.3).
   *
   * @param nowMs clock sample of the request, milliseconds since the Unix epoch
   * @param count how many timestamps, 1 to 262144
   */
  tryGrant(nowMs: number, count: number): GrantOutcome {
    if (!isCount(count)) return { kind: "invalid-count", count };
    const state = this.#leadership;
    if (state === undefined) return NOT_LEADER;
    const fits = fitsCurrentMs(state, nowMs, count);
    const physicalMs = fits ? state.nextMs : followingMs(state, nowMs);
    const logicalStart = fits ? state.nextLogical : 0;
    if (physicalMs > PHYSICAL_MS_MAX) return { kind: "physical-ms-out-of-range", physicalMs };
    if (physicalMs > state.highWaterMs) return WINDOW_EXHAUSTED;
    moveCursor(state, physicalMs, logicalStart + count);
    return { kind: "granted", physicalMs, logicalStart, count, epoch: state.epoch };
  }

  /** Whether {@linkcode tryGrant} would grant now. Changes nothing. */
  wouldGrant(nowMs: number, count: number): boolean {
    const state = this.#leadership;
    if (state === undefined || !isCount(count)) return false;
    const physicalMs = fitsCurrentMs(state, nowMs, count)
      ? state.nextMs
      : followingMs(state, nowMs);
    return physicalMs <= state.highWaterMs;
  }

  /**
   * Computes the high-water that a request with no room left needs: `max(highWater + 1, now) + ahead`
   * (behaviour.md 2.3). The `+ 1` makes progress even under a clock that stands still. Changes nothing.
   *
   * @param nowMs clock sample of the request
   * @param aheadMs how far to reach, in milliseconds
   */
  prepareExtension(nowMs: number, aheadMs: number): PrepareOutcome {
    const state = this.#leadership;
    if (state === undefined) return NOT_LEADER;
    return prepared(Math.max(state.highWaterMs + 1, nowMs) + aheadMs, state.epoch);
  }

  /**
   * Computes the high-water for a refill ahead of need: `max(now + ahead, nextPhysical + slack)`, and only
   * if that is above the present one. It follows the clock and the cursor, never itself, so that repeated
   * refills do not run away from the clock. Changes nothing.
   *
   * For the sake of the cursor alone it is not done before half of the slack is used up: a cursor that runs
   * ahead of the clock would otherwise ask for one millisecond at a time.
   *
   * @param nowMs clock sample of the grant that triggered the refill
   * @param aheadMs how far to reach beyond the clock, in milliseconds
   * @param slackMs how far to reach beyond a cursor that runs ahead of the clock, in milliseconds
   */
  prepareRefill(nowMs: number, aheadMs: number, slackMs: number): PrepareOutcome {
    const state = this.#leadership;
    if (state === undefined) return NOT_LEADER;
    const byClockMs = nowMs + aheadMs;
    const byCursorMs = state.nextMs + slackMs;
    const isClockBehind = byClockMs <= state.highWaterMs;
    const neededMs = state.highWaterMs + (isClockBehind ? Math.max(1, slackMs / 2) : 1);
    const highWaterMs = Math.max(byClockMs, byCursorMs);
    return highWaterMs >= neededMs ? prepared(highWaterMs, state.epoch) : NOT_NEEDED;
  }

  /**
   * Raises the high-water to one that is durable. A commit whose epoch has moved on is dropped.
   *
   * @param persistedMs the high-water that the driver returned
   * @param expectedEpoch the epoch under which it was prepared and persisted
   */
  commitExtension(persistedMs: number, expectedEpoch: Epoch): CommitOutcome {
    const state = this.#leadership;
    if (state === undefined) return IGNORED_NOT_LEADER;
    if (state.epoch !== expectedEpoch) {
      return {
        kind: "ignored",
        reason: "epoch-mismatch",
        expected: expectedEpoch,
        current: state.epoch,
      };
    }
    if (!(persistedMs > state.highWaterMs)) {
      return { kind: "ignored", reason: "not-advanced", highWaterMs: state.highWaterMs };
    }
    state.highWaterMs = persistedMs;
    return { kind: "applied", highWaterMs: persistedMs };
  }

  /**
   * Moves the cursor up to the clock as far as the window reaches, without granting. Every later grant then
   * lies at or above {@linkcode nextPhysicalMs}.
   *
   * @param nowMs clock sample of the request
   */
  advanceTo(nowMs: number): void {
    const state = this.#leadership;
    if (state === undefined) return;
    const targetMs = Math.min(nowMs, state.highWaterMs);
    if (targetMs > state.nextMs) moveCursor(state, targetMs, 0);
  }
}

function isCount(count: number): boolean {
  return Number.isInteger(count) && count >= 1 && count <= MAX_COUNT;
}

/** A block never spans two milliseconds, and a clock ahead of the cursor moves it to the clock. */
function fitsCurrentMs(state: Leadership, nowMs: number, count: number): boolean {
  return nowMs <= state.nextMs && state.nextLogical + count <= LOGICAL_MAX + 1;
}

function followingMs(state: Leadership, nowMs: number): number {
  return nowMs > state.nextMs ? nowMs : state.nextMs + 1;
}

/** Keeps the cursor packable: a full millisecond is stored as the start of the next one. */
function moveCursor(state: Leadership, physicalMs: number, nextLogical: number): void {
  const full = nextLogical > LOGICAL_MAX;
  state.nextMs = full ? physicalMs + 1 : physicalMs;
  state.nextLogical = full ? 0 : nextLogical;
}

function prepared(highWaterMs: number, epoch: Epoch): PrepareOutcome {
  return isPhysicalMs(highWaterMs)
    ? { kind: "prepared", highWaterMs, epoch }
    : { kind: "physical-ms-out-of-range", physicalMs: highWaterMs };
}
