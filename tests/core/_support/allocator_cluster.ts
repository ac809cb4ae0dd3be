// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Allocator } from "../../../src/core/allocator.ts";
import type { CommitOutcome, PrepareOutcome } from "../../../src/core/allocator.ts";
import { isPhysicalMs } from "../../../src/core/timestamp.ts";
import { GrantOrder } from "../../_support/grant_order.ts";
import { ReferenceAllocator } from "./reference_allocator.ts";

/** One thing that happens to a cluster. Node numbers and picks are taken modulo what there is. */
export type Step =
  | { readonly kind: "clock-to"; readonly nowMs: number }
  | { readonly kind: "clock-by"; readonly ms: number }
  | { readonly kind: "grant"; readonly node: number; readonly count: number }
  | { readonly kind: "advance"; readonly node: number }
  | { readonly kind: "extend"; readonly node: number; readonly aheadMs: number }
  | {
    readonly kind: "refill";
    readonly node: number;
    readonly aheadMs: number;
    readonly slackMs: number;
  }
  | { readonly kind: "write-arrives"; readonly pick: number }
  | { readonly kind: "write-lost"; readonly pick: number }
  | { readonly kind: "commit"; readonly pick: number; readonly node: number }
  | { readonly kind: "lead"; readonly node: number; readonly advanceMs: number }
  | { readonly kind: "step-down"; readonly node: number };

interface Node {
  readonly allocator: Allocator;
  readonly reference: ReferenceAllocator;
}

/** An extension on its way to the store and back. */
interface Write {
  readonly highWaterMs: number;
  readonly epoch: bigint;
  durableMs: number | undefined;
}

/**
 * Allocators that share one durable high-water and take the lead from each other by the arithmetic of
 * behaviour.md 2.4. A leader that was overtaken is told nothing: it goes on granting from its window.
 */
export class AllocatorCluster {
  readonly #nodes: readonly Node[];
  readonly #order = new GrantOrder();
  readonly #seen = new Map<string, number>();
  #writes: Write[] = [];
  #nowMs: number;
  #durableMs = 0;
  #fence = 0n;

  constructor(size: number, nowMs: number) {
    this.#nowMs = nowMs;
    this.#nodes = Array.from({ length: size }, () => ({
      allocator: new Allocator(),
      reference: new ReferenceAllocator(),
    }));
  }

  /** How often each outcome came up. */
  get seen(): ReadonlyMap<string, number> {
    return this.#seen;
  }

  /** Lets one thing happen, and checks everything that has to hold after it. */
  apply(step: Step): void {
    this.#perform(step);
    for (const { allocator, reference } of this.#nodes) {
      assertSameState(allocator, reference);
      assert((allocator.highWaterMs ?? 0) <= this.#durableMs, "a window beyond the durable one");
    }
  }

  #perform(step: Step): void {
    switch (step.kind) {
      case "clock-to":
        this.#nowMs = step.nowMs;
        return;
      case "clock-by":
        this.#nowMs += step.ms;
        return;
      case "grant":
        return this.#grant(this.#node(step.node), step.count);
      case "advance":
        return this.#advance(this.#node(step.node));
      case "extend":
        return this.#extend(this.#node(step.node), step.aheadMs);
      case "refill":
        return this.#refill(this.#node(step.node), step.aheadMs, step.slackMs);
      case "write-arrives":
        return this.#writeArrives(this.#pick(step.pick));
      case "write-lost":
        this.#writes = this.#writes.filter((write) => write !== this.#pick(step.pick));
        return;
      case "commit":
        return this.#commit(this.#pick(step.pick), this.#node(step.node));
      case "lead":
        return this.#lead(this.#node(step.node), step.advanceMs);
      case "step-down":
        return this.#stepDown(this.#node(step.node));
    }
  }

  #grant({ allocator, reference }: Node, count: number): void {
    const before = observe(allocator);
    const predicted = allocator.wouldGrant(this.#nowMs, count);
    assert.deepEqual(observe(allocator), before, "wouldGrant() changed something");
    const outcome = allocator.tryGrant(this.#nowMs, count);
    assert.deepEqual(outcome, reference.tryGrant(this.#nowMs, count));
    assert.equal(predicted, outcome.kind === "granted", "wouldGrant() disagrees with tryGrant()");
    this.#note(outcome.kind);
    if (outcome.kind !== "granted") {
      return assert.deepEqual(observe(allocator), before, "a refused grant changed something");
    }
    assert(outcome.physicalMs <= this.#durableMs, "a grant beyond the durable high-water");
    this.#order.note(outcome);
  }

  #advance({ allocator, reference }: Node): void {
    const beforeMs = allocator.nextPhysicalMs ?? 0;
    allocator.advanceTo(this.#nowMs);
    reference.advanceTo(this.#nowMs);
    assert((allocator.nextPhysicalMs ?? Infinity) >= beforeMs, "the cursor went back");
  }

  #extend({ allocator, reference }: Node, aheadMs: number): void {
    const outcome = allocator.prepareExtension(this.#nowMs, aheadMs);
    assert.deepEqual(outcome, reference.prepareExtension(this.#nowMs, aheadMs));
    this.#send(outcome);
  }

  #refill({ allocator, reference }: Node, aheadMs: number, slackMs: number): void {
    const outcome = allocator.prepareRefill(this.#nowMs, aheadMs, slackMs);
    assert.deepEqual(outcome, reference.prepareRefill(this.#nowMs, aheadMs, slackMs));
    this.#send(outcome);
  }

  #send(outcome: PrepareOutcome): void {
    this.#note(outcome.kind);
    if (outcome.kind !== "prepared") return;
    const { highWaterMs, epoch } = outcome;
    this.#writes.push({ highWaterMs, epoch, durableMs: undefined });
  }

  #writeArrives(write: Write | undefined): void {
    if (write === undefined) return;
    if (write.epoch !== this.#fence) return this.#note("fenced");
    this.#durableMs = Math.max(this.#durableMs, write.highWaterMs);
    write.durableMs = this.#durableMs;
  }

  /** The answer to a write may come late, twice, and even to a node that never asked. */
  #commit(write: Write | undefined, { allocator, reference }: Node): void {
    if (write?.durableMs === undefined) return;
    const before = observe(allocator);
    const outcome = allocator.commitExtension(write.durableMs, write.epoch);
    assert.deepEqual(outcome, reference.commitExtension(write.durableMs, write.epoch));
    this.#note(nameOf(outcome));
    if (outcome.kind === "applied") assert.equal(before.epoch, write.epoch);
    else assert.deepEqual(observe(allocator), before, "an ignored commit changed something");
  }

  #lead({ allocator, reference }: Node, advanceMs: number): void {
    const floorMs = Math.max(this.#durableMs + 1, this.#nowMs);
    const highWaterMs = floorMs + advanceMs;
    if (!isPhysicalMs(highWaterMs)) return;
    this.#fence += 1n;
    this.#durableMs = highWaterMs;
    allocator.becomeLeader(floorMs, highWaterMs, this.#fence);
    reference.becomeLeader(floorMs, highWaterMs, this.#fence);
  }

  #stepDown({ allocator, reference }: Node): void {
    allocator.stepDown();
    reference.stepDown();
  }

  #node(index: number): Node {
    const node = this.#nodes[index % this.#nodes.length];
    assert(node !== undefined);
    return node;
  }

  #pick(index: number): Write | undefined {
    return this.#writes[index % Math.max(1, this.#writes.length)];
  }

  #note(outcome: string): void {
    this.#seen.set(outcome, (this.#seen.get(outcome) ?? 0) + 1);
  }
}

/** Everything that can be seen of an allocator without granting. */
function observe(allocator: Allocator) {
  const { isLeader, epoch, highWaterMs, nextPhysicalMs, remainingMs } = allocator;
  return { isLeader, epoch, highWaterMs, nextPhysicalMs, remainingMs };
}

function assertSameState(allocator: Allocator, reference: ReferenceAllocator): void {
  const { highWaterMs, epoch, cursor } = reference;
  assert.deepEqual(observe(allocator), {
    isLeader: epoch !== undefined,
    epoch,
    highWaterMs,
    nextPhysicalMs: cursor?.physicalMs,
    remainingMs: Math.max(0, (highWaterMs ?? 0) - (cursor?.physicalMs ?? 0)),
  });
}

function nameOf(outcome: CommitOutcome): string {
  return outcome.kind === "applied" ? outcome.kind : outcome.reason;
}
