// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Allocator } from "../../src/core/allocator.ts";
import type { Grant, GrantOutcome } from "../../src/core/allocator.ts";
import { CoreError } from "../../src/core/errors.ts";
import type { CoreErrorCode } from "../../src/core/errors.ts";
import { LOGICAL_MAX, MAX_COUNT, PHYSICAL_MS_MAX } from "../../src/core/timestamp.ts";

const EXHAUSTED = { kind: "window-exhausted" } as const;
const NOT_LEADER = { kind: "not-leader" } as const;

function leader(floorMs = 1_000, highWaterMs = 1_002, epoch = 1n): Allocator {
  const allocator = new Allocator();
  allocator.becomeLeader(floorMs, highWaterMs, epoch);
  return allocator;
}

function granted(physicalMs: number, logicalStart: number, count: number, epoch = 1n): Grant {
  return { kind: "granted", physicalMs, logicalStart, count, epoch };
}

/** Everything that can be seen of an allocator without granting. */
function observe(allocator: Allocator) {
  const { isLeader, epoch, highWaterMs, nextPhysicalMs, remainingMs } = allocator;
  return { isLeader, epoch, highWaterMs, nextPhysicalMs, remainingMs };
}

/** Where a granted block begins. */
function startOf(outcome: GrantOutcome): readonly [number, number] {
  assert(outcome.kind === "granted", outcome.kind);
  return [outcome.physicalMs, outcome.logicalStart];
}

function isCoreError(code: CoreErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof CoreError && error.code === code;
}

/** The grants of behaviour.md 15.6 before its extension: floor 1000, ceiling 1002, epoch 1. */
const TRACE = [
  { now: 500, count: 1, outcome: granted(1_000, 0, 1), nextMs: 1_000 },
  { now: 500, count: 1, outcome: granted(1_000, 1, 1), nextMs: 1_000 },
  { now: 1_001, count: 2, outcome: granted(1_001, 0, 2), nextMs: 1_001 },
  { now: 1_001, count: 262_144, outcome: granted(1_002, 0, 262_144), nextMs: 1_003 },
  { now: 1_001, count: 1, outcome: EXHAUSTED, nextMs: 1_003 },
  { now: 999, count: 262_143, outcome: EXHAUSTED, nextMs: 1_003 },
  { now: 1_003, count: 1, outcome: EXHAUSTED, nextMs: 1_003 },
] as const;

function runTrace(allocator: Allocator): void {
  for (const { now, count, outcome, nextMs } of TRACE) {
    assert.equal(allocator.wouldGrant(now, count), outcome.kind === "granted");
    assert.deepEqual(allocator.tryGrant(now, count), outcome);
    assert.equal(allocator.nextPhysicalMs, nextMs);
    assert.equal(allocator.highWaterMs, 1_002);
  }
}

Deno.test("Allocator follows the trace of behaviour.md 15.6", () => {
  const allocator = leader();
  runTrace(allocator);
  assert.deepEqual(allocator.prepareExtension(900, 3_000), {
    kind: "prepared",
    highWaterMs: 4_003,
    epoch: 1n,
  });
  assert.deepEqual(allocator.prepareExtension(5_000, 3_000), {
    kind: "prepared",
    highWaterMs: 8_000,
    epoch: 1n,
  });
  assert.deepEqual(allocator.commitExtension(4_003, 2n), {
    kind: "ignored",
    reason: "epoch-mismatch",
    expected: 2n,
    current: 1n,
  });
  assert.deepEqual(allocator.commitExtension(1_002, 1n), {
    kind: "ignored",
    reason: "not-advanced",
    highWaterMs: 1_002,
  });
  assert.deepEqual(allocator.commitExtension(4_003, 1n), { kind: "applied", highWaterMs: 4_003 });
  assert.deepEqual(allocator.tryGrant(1_003, 1), granted(1_003, 0, 1));
  assert.deepEqual(startOf(allocator.tryGrant(0, 1)), [1_003, 1]);
});

Deno.test("Allocator grants nothing before its first leadership and nothing after a step-down", () => {
  const allocator = new Allocator();
  const idle = {
    isLeader: false,
    epoch: undefined,
    highWaterMs: undefined,
    nextPhysicalMs: undefined,
    remainingMs: 0,
  };
  for (let round = 0; round < 2; round++) {
    assert.deepEqual(observe(allocator), idle);
    assert.deepEqual(allocator.tryGrant(1_000, 1), NOT_LEADER);
    assert.equal(allocator.wouldGrant(1_000, 1), false);
    assert.deepEqual(allocator.prepareExtension(1_000, 1), NOT_LEADER);
    assert.deepEqual(allocator.prepareRefill(1_000, 1, 1), NOT_LEADER);
    const ignored = { kind: "ignored", reason: "not-leader" };
    assert.deepEqual(allocator.commitExtension(9_000, 1n), ignored);
    allocator.advanceTo(9_000);
    assert.deepEqual(observe(allocator), idle);
    allocator.becomeLeader(1_000, 1_002, 1n);
    allocator.stepDown();
    allocator.stepDown();
  }
});

Deno.test("tryGrant() checks the count before leadership", () => {
  for (const allocator of [new Allocator(), leader()]) {
    const before = observe(allocator);
    for (const count of [0, -1, 1.5, MAX_COUNT + 1, 2 ** 32, NaN, Infinity]) {
      assert.deepEqual(allocator.tryGrant(1_001, count), { kind: "invalid-count", count });
      assert.equal(allocator.wouldGrant(1_001, count), false);
    }
    assert.deepEqual(observe(allocator), before);
  }
});

Deno.test("tryGrant() grants the smallest and the largest count, and always all of it", () => {
  const allocator = leader();
  assert.deepEqual(allocator.tryGrant(0, MAX_COUNT), granted(1_000, 0, MAX_COUNT));
  assert.deepEqual(allocator.tryGrant(0, 1), granted(1_001, 0, 1));
});

Deno.test("tryGrant() reports a value that cannot be packed before an exhausted window", () => {
  const allocator = leader(PHYSICAL_MS_MAX - 1, PHYSICAL_MS_MAX - 1);
  const physicalMs = PHYSICAL_MS_MAX + 1;
  assert.deepEqual(allocator.tryGrant(physicalMs, 1), {
    kind: "physical-ms-out-of-range",
    physicalMs,
  });
  assert.deepEqual(allocator.tryGrant(PHYSICAL_MS_MAX, 1), EXHAUSTED);
  assert.deepEqual(allocator.tryGrant(0, 1), granted(PHYSICAL_MS_MAX - 1, 0, 1));
});

Deno.test("tryGrant() hands out the very last timestamp and then reports the end of the range", () => {
  const allocator = leader(PHYSICAL_MS_MAX, PHYSICAL_MS_MAX);
  assert.deepEqual(allocator.tryGrant(0, MAX_COUNT), granted(PHYSICAL_MS_MAX, 0, MAX_COUNT));
  const before = observe(allocator);
  const refusal = { kind: "physical-ms-out-of-range", physicalMs: PHYSICAL_MS_MAX + 1 };
  assert.deepEqual(allocator.tryGrant(0, 1), refusal);
  assert.equal(allocator.wouldGrant(0, 1), false);
  assert.deepEqual(observe(allocator), before);
});

Deno.test("tryGrant() takes a millisecond to its last value and goes on with the next", () => {
  const allocator = leader();
  assert.deepEqual(allocator.tryGrant(0, LOGICAL_MAX), granted(1_000, 0, LOGICAL_MAX));
  assert.deepEqual(allocator.tryGrant(0, 1), granted(1_000, LOGICAL_MAX, 1));
  assert.equal(allocator.nextPhysicalMs, 1_001);
  assert.deepEqual(allocator.tryGrant(0, 1), granted(1_001, 0, 1));
});

Deno.test("tryGrant() never splits a block over two milliseconds", () => {
  const allocator = leader();
  allocator.tryGrant(0, LOGICAL_MAX);
  assert.deepEqual(allocator.tryGrant(0, 2), granted(1_001, 0, 2));
});

Deno.test("tryGrant() keeps what is left of a millisecond when a larger block finds no room", () => {
  const allocator = leader(1_000, 1_000);
  allocator.tryGrant(0, LOGICAL_MAX - 1);
  const before = observe(allocator);
  assert.deepEqual(allocator.tryGrant(0, 3), EXHAUSTED);
  assert.deepEqual(allocator.tryGrant(1_001, 1), EXHAUSTED);
  assert.deepEqual(observe(allocator), before);
  assert.deepEqual(allocator.tryGrant(0, 2), granted(1_000, LOGICAL_MAX - 1, 2));
});

Deno.test("tryGrant() follows a clock that runs and holds its place when the clock goes back", () => {
  const allocator = leader(1_000, 5_000);
  assert.deepEqual(allocator.tryGrant(3_000, 1), granted(3_000, 0, 1));
  assert.deepEqual(allocator.tryGrant(0, 1), granted(3_000, 1, 1));
  assert.deepEqual(allocator.tryGrant(-7_000, 1), granted(3_000, 2, 1));
  assert.deepEqual(allocator.tryGrant(3_001, 1), granted(3_001, 0, 1));
});

Deno.test("becomeLeader() above a prior (M, 262143) grants (M+1, 0) first", () => {
  const priorMaxMs = 1_002;
  const prior = leader(priorMaxMs, priorMaxMs, 1n);
  prior.tryGrant(0, LOGICAL_MAX);
  assert.deepEqual(prior.tryGrant(0, 1), granted(priorMaxMs, LOGICAL_MAX, 1));
  const next = leader(Math.max(priorMaxMs + 1, 0), priorMaxMs + 1 + 1_000, 2n);
  assert.deepEqual(next.tryGrant(0, 1), granted(priorMaxMs + 1, 0, 1, 2n));
});

Deno.test("becomeLeader() refuses a high-water below its floor and changes nothing", () => {
  const allocator = leader();
  const before = observe(allocator);
  assert.throws(
    () => allocator.becomeLeader(2_000, 1_999, 2n),
    isCoreError("invalid-leadership-window"),
  );
  assert.deepEqual(observe(allocator), before);
  allocator.becomeLeader(2_000, 2_000, 2n);
  assert.deepEqual(allocator.tryGrant(0, 1), granted(2_000, 0, 1, 2n));
});

Deno.test("becomeLeader() refuses bounds beyond 46 bits and changes nothing", () => {
  const allocator = leader();
  const before = observe(allocator);
  const bounds = [[-1, 5], [PHYSICAL_MS_MAX, PHYSICAL_MS_MAX + 1], [0.5, 5], [NaN, 5], [5, NaN]];
  for (const [floorMs = 0, highWaterMs = 0] of bounds) {
    assert.throws(
      () => allocator.becomeLeader(floorMs, highWaterMs, 2n),
      isCoreError("physical-ms-out-of-range"),
    );
  }
  assert.deepEqual(observe(allocator), before);
});

Deno.test("becomeLeader() replaces the leadership in force, epoch zero and a higher one alike", () => {
  const allocator = leader(1_000, 1_002, 0n);
  assert.equal(allocator.epoch, 0n);
  assert.deepEqual(allocator.tryGrant(0, 1), granted(1_000, 0, 1, 0n));
  allocator.becomeLeader(2_000, 2_005, 7n);
  assert.deepEqual(observe(allocator), {
    isLeader: true,
    epoch: 7n,
    highWaterMs: 2_005,
    nextPhysicalMs: 2_000,
    remainingMs: 5,
  });
});

Deno.test("commitExtension() looks at the epoch before it looks at the high-water", () => {
  const allocator = leader();
  const mismatch = { kind: "ignored", reason: "epoch-mismatch", expected: 0n, current: 1n };
  assert.deepEqual(allocator.commitExtension(1, 0n), mismatch);
});

Deno.test("commitExtension() drops a commit of an earlier term of the same node", () => {
  const allocator = leader(1_000, 1_002, 1n);
  const late = allocator.prepareExtension(1_000, 3_000);
  assert(late.kind === "prepared");
  allocator.stepDown();
  allocator.becomeLeader(1_003, 1_500, 2n);
  assert.equal(allocator.commitExtension(late.highWaterMs, late.epoch).kind, "ignored");
  assert.equal(allocator.highWaterMs, 1_500);
  assert.deepEqual(allocator.tryGrant(1_501, 1), EXHAUSTED);
});

Deno.test("prepareExtension() passes the high-water also when the clock stands still", () => {
  const allocator = leader(1_000, 1_000);
  for (let round = 0; round < 5; round++) {
    assert.deepEqual(startOf(allocator.tryGrant(1_000, MAX_COUNT)), [1_000 + round, 0]);
    assert.deepEqual(allocator.tryGrant(1_000, 1), EXHAUSTED);
    const next = allocator.prepareExtension(1_000, 0);
    assert(next.kind === "prepared");
    assert.equal(allocator.commitExtension(next.highWaterMs, next.epoch).kind, "applied");
  }
});

Deno.test("prepareExtension() and prepareRefill() report a reach beyond 46 bits", () => {
  const allocator = leader(PHYSICAL_MS_MAX - 5, PHYSICAL_MS_MAX - 5);
  const beyond = { kind: "physical-ms-out-of-range", physicalMs: PHYSICAL_MS_MAX + 1 };
  assert.deepEqual(allocator.prepareExtension(0, 5), beyond);
  assert.deepEqual(allocator.prepareExtension(0, 4), {
    kind: "prepared",
    highWaterMs: PHYSICAL_MS_MAX,
    epoch: 1n,
  });
  assert.deepEqual(allocator.prepareRefill(PHYSICAL_MS_MAX, 1, 0), beyond);
  assert.deepEqual(allocator.prepareRefill(0, 0, 6), beyond);
});

Deno.test("prepareRefill() follows the clock or the cursor, whichever reaches further", () => {
  const allocator = leader(1_000, 1_500);
  const prepared = (highWaterMs: number) => ({ kind: "prepared", highWaterMs, epoch: 1n });
  assert.deepEqual(allocator.prepareRefill(1_000, 3_000, 1_000), prepared(4_000));
  assert.deepEqual(allocator.prepareRefill(0, 800, 1_000), prepared(2_000));
  assert.deepEqual(allocator.prepareRefill(0, 1_501, 0), prepared(1_501));
});

Deno.test("prepareRefill() asks for nothing that the window has already", () => {
  const allocator = leader(1_000, 1_500);
  assert.deepEqual(allocator.prepareRefill(0, 1_500, 500), { kind: "not-needed" });
  assert.deepEqual(allocator.prepareRefill(-9_000, 3_000, 0), { kind: "not-needed" });
});

Deno.test("prepareRefill() repeated at one moment does not move the high-water again", () => {
  const allocator = leader(1_000, 1_500);
  const first = allocator.prepareRefill(1_200, 3_000, 1_000);
  assert(first.kind === "prepared");
  allocator.commitExtension(first.highWaterMs, first.epoch);
  assert.deepEqual(allocator.prepareRefill(1_200, 3_000, 1_000), { kind: "not-needed" });
});

Deno.test("wouldGrant(), prepareExtension() and prepareRefill() change nothing", () => {
  const allocator = leader();
  allocator.tryGrant(1_001, 7);
  const before = observe(allocator);
  for (const now of [0, 1_001, 1_002, 9_999, PHYSICAL_MS_MAX + 1]) {
    allocator.wouldGrant(now, MAX_COUNT);
    allocator.prepareExtension(now, 3_000);
    allocator.prepareRefill(now, 3_000, 1_000);
    assert.deepEqual(observe(allocator), before);
  }
  assert.deepEqual(allocator.tryGrant(0, 1), granted(1_001, 7, 1));
});

Deno.test("advanceTo() moves the cursor to the clock and every later grant above it", () => {
  const allocator = leader();
  allocator.tryGrant(0, 9);
  allocator.advanceTo(1_001);
  assert.equal(allocator.nextPhysicalMs, 1_001);
  assert.deepEqual(allocator.tryGrant(0, 1), granted(1_001, 0, 1));
});

Deno.test("advanceTo() stops at the high-water and never goes back", () => {
  const allocator = leader();
  allocator.advanceTo(9_999);
  assert.deepEqual(observe(allocator), {
    ...observe(leader()),
    nextPhysicalMs: 1_002,
    remainingMs: 0,
  });
  allocator.tryGrant(0, 5);
  allocator.advanceTo(1_000);
  allocator.advanceTo(1_002);
  assert.deepEqual(allocator.tryGrant(0, 1), granted(1_002, 5, 1));
});

Deno.test("remainingMs is what the window has beyond the cursor, never below zero", () => {
  const allocator = leader();
  assert.equal(allocator.remainingMs, 2);
  allocator.tryGrant(1_002, 1);
  assert.equal(allocator.remainingMs, 0);
  allocator.tryGrant(1_002, LOGICAL_MAX);
  assert.equal(allocator.nextPhysicalMs, 1_003);
  assert.equal(allocator.remainingMs, 0);
});
