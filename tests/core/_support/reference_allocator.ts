// SPDX-License-Identifier: Apache-2.0

import type { CommitOutcome, GrantOutcome, PrepareOutcome } from "../../../src/core/allocator.ts";

const LOGICAL = 1n << 18n;
const PHYSICAL_MS_MAX = 2 ** 46 - 1;

interface Term {
  readonly epoch: bigint;
  highWaterMs: number;
  /** The cursor as one packed integer, so that a full millisecond carries by itself. */
  next: bigint;
}

/**
 * The rules of behaviour.md 2.3 once more, in packed integers and without regard to speed: an independent
 * answer to compare the allocator with.
 */
export class ReferenceAllocator {
  #term: Term | undefined;

  get cursor(): { readonly physicalMs: number; readonly logical: number } | undefined {
    if (this.#term === undefined) return undefined;
    const { next } = this.#term;
    return { physicalMs: Number(next / LOGICAL), logical: Number(next % LOGICAL) };
  }

  get highWaterMs(): number | undefined {
    return this.#term?.highWaterMs;
  }

  get epoch(): bigint | undefined {
    return this.#term?.epoch;
  }

  becomeLeader(floorMs: number, highWaterMs: number, epoch: bigint): void {
    this.#term = { epoch, highWaterMs, next: BigInt(floorMs) * LOGICAL };
  }

  stepDown(): void {
    this.#term = undefined;
  }

  tryGrant(nowMs: number, count: number): GrantOutcome {
    if (!Number.isInteger(count) || count < 1 || count > Number(LOGICAL)) {
      return { kind: "invalid-count", count };
    }
    const term = this.#term;
    if (term === undefined) return { kind: "not-leader" };
    const first = firstFit(maxOf(term.next, BigInt(nowMs) * LOGICAL), BigInt(count));
    const physicalMs = Number(first / LOGICAL);
    if (physicalMs > PHYSICAL_MS_MAX) return { kind: "physical-ms-out-of-range", physicalMs };
    if (physicalMs > term.highWaterMs) return { kind: "window-exhausted" };
    term.next = first + BigInt(count);
    return {
      kind: "granted",
      physicalMs,
      logicalStart: Number(first % LOGICAL),
      count,
      epoch: term.epoch,
    };
  }

  prepareExtension(nowMs: number, aheadMs: number): PrepareOutcome {
    const term = this.#term;
    if (term === undefined) return { kind: "not-leader" };
    return prepared(Math.max(term.highWaterMs + 1, nowMs) + aheadMs, term.epoch);
  }

  prepareRefill(nowMs: number, aheadMs: number, slackMs: number): PrepareOutcome {
    const term = this.#term;
    if (term === undefined) return { kind: "not-leader" };
    const highWaterMs = Math.max(nowMs + aheadMs, Number(term.next / LOGICAL) + slackMs);
    const gainMs = highWaterMs - term.highWaterMs;
    const isForTheClock = nowMs + aheadMs > term.highWaterMs;
    return gainMs > 0 && (isForTheClock || gainMs * 2 >= slackMs)
      ? prepared(highWaterMs, term.epoch)
      : { kind: "not-needed" };
  }

  commitExtension(persistedMs: number, expected: bigint): CommitOutcome {
    const term = this.#term;
    if (term === undefined) return { kind: "ignored", reason: "not-leader" };
    if (term.epoch !== expected) {
      return { kind: "ignored", reason: "epoch-mismatch", expected, current: term.epoch };
    }
    const { highWaterMs } = term;
    if (persistedMs <= highWaterMs) return { kind: "ignored", reason: "not-advanced", highWaterMs };
    term.highWaterMs = persistedMs;
    return { kind: "applied", highWaterMs: persistedMs };
  }

  advanceTo(nowMs: number): void {
    const term = this.#term;
    if (term === undefined) return;
    term.next = maxOf(term.next, BigInt(Math.min(nowMs, term.highWaterMs)) * LOGICAL);
  }
}

function firstFit(from: bigint, count: bigint): bigint {
  const fits = from % LOGICAL + count <= LOGICAL;
  return fits ? from : (from / LOGICAL + 1n) * LOGICAL;
}

function maxOf(left: bigint, right: bigint): bigint {
  return left > right ? left : right;
}

function prepared(highWaterMs: number, epoch: bigint): PrepareOutcome {
  return highWaterMs <= PHYSICAL_MS_MAX
    ? { kind: "prepared", highWaterMs, epoch }
    : { kind: "physical-ms-out-of-range", physicalMs: highWaterMs };
}
