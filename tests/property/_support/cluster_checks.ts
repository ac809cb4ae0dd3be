// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { Grant } from "../../../src/core/allocator.ts";
import { OracleError } from "../../../src/server/errors.ts";
import type { OracleSnapshot } from "../../../src/server/snapshot.ts";
import type { ClusterNode, OracleStep } from "./cluster_node.ts";
import type { Engine } from "./engine.ts";
import type { ClusterServices } from "./cluster_services.ts";
import type { Ledger } from "./ledger.ts";
import type { Network } from "./network.ts";

/** Refusals that a request may meet in a cluster whose engine only ever has passing faults. */
const PASSING = new Set(["not-leader", "unavailable", "window-exhausted"]);

/** What {@linkcode ClusterChecks} looks at. */
export interface ClusterChecksOptions {
  readonly engine: Engine;
  readonly network: Network;
  readonly ledger: Ledger;
  readonly services: ClusterServices;
  /** Setting of the oracles. */
  readonly windowAheadMs: number;
  /** Whether leaders have leases, and so never overlap. */
  readonly hasLeases: boolean;
  /** The true time, in milliseconds. */
  readonly trueMs: () => number;
}

/** What has to hold of a cluster, at every moment and for every answer. */
export class ClusterChecks {
  readonly #options: ClusterChecksOptions;

  constructor(options: ClusterChecksOptions) {
    this.#options = options;
  }

  /** Checks the nodes as they are between two steps. */
  moment(nodes: readonly ClusterNode[]): void {
    for (const node of nodes) {
      const { number, oracle, end } = node;
      assert.equal(end, undefined, `node ${number} ended by itself`);
      const { highWaterMs } = oracle.snapshot();
      const durableMs = this.#options.engine.highWaterMs;
      assert(highWaterMs <= durableMs, `node ${number} trusts more than is durable`);
      this.#state(node);
    }
    this.#options.services.moment(nodes);
    if (!this.#options.hasLeases) return;
    const serving = nodes.filter(({ oracle }) => oracle.isServing).map(({ number }) => number);
    assert(serving.length <= 1, `nodes ${serving} grant at the same time`);
  }

  /** Checks a grant at the moment it is given. */
  grant({ number, oracle, driver }: ClusterNode, grant: Grant): void {
    const { engine, hasLeases, trueMs } = this.#options;
    assert(oracle.isServing, `node ${number} granted although it does not serve`);
    assert(grant.physicalMs <= engine.highWaterMs, "a grant beyond the durable high-water");
    if (!hasLeases) return;
    assert.equal(grant.epoch, engine.epoch, "a grant of a leader that was replaced");
    assert.equal(number, engine.leader, "a grant of a node that does not lead");
    const deadlineMs = driver.certainUntilTrueMs(grant.epoch);
    assert(trueMs() < deadlineMs, `a grant at ${trueMs()}, after ${deadlineMs}`);
  }

  /** Checks that a request was refused for a reason; returns it. */
  refusal({ number, oracle }: ClusterNode, error: unknown): string {
    if (!(error instanceof OracleError && PASSING.has(error.code))) throw error;
    if (error.code === "not-leader") {
      assert(!oracle.isServing, `node ${number} serves and says not-leader`);
    }
    return error.code;
  }

  /** Takes a node's safe point and checks it so far as that is possible before later grants. */
  safePoint({ oracle }: ClusterNode): string {
    const { engine, ledger } = this.#options;
    const safe = oracle.currentMaxSafe();
    assert(safe.physicalMs <= engine.highWaterMs, "a safe point beyond the durable high-water");
    if (oracle.isServing) assert.equal(safe.physicalMs, this.#safeMs(oracle.snapshot()));
    else assert.deepEqual(safe, { physicalMs: 0, epoch: 0n });
    ledger.noteSafe(safe);
    return `${safe.physicalMs}`;
  }

  /** Checks what an oracle is about to do, or has just begun. */
  step(node: ClusterNode, step: OracleStep): void {
    const { number, oracle, driver } = node;
    switch (step) {
      case "load":
        return assert.equal(driver.persisting, 0, `the fence of node ${number} waits for no one`);
      case "persist":
        // Only a fence may persist in doubt, and a node that fences does not serve.
        if (oracle.state.kind !== "serving") return;
        return assert(oracle.isServing, `node ${number} starts an extension although in doubt`);
      case "serve": {
        const { lastTaken: newest } = driver;
        const epoch = newest.kind === "leader" ? newest.epoch : newest.kind;
        return assert.equal(oracle.snapshot().epoch, epoch, `node ${number} serves a stale epoch`);
      }
    }
  }

  /** `min(H - windowAhead - 1, next - 1)`. A cursor that has used the window up never is the smaller one. */
  #safeMs({ highWaterMs, remainingMs }: OracleSnapshot): number {
    const nextMs = highWaterMs - remainingMs;
    const oldMs = highWaterMs - this.#options.windowAheadMs;
    return Math.max(0, (remainingMs === 0 ? oldMs : Math.min(oldMs, nextMs)) - 1);
  }

  #state({ number, driver, oracle }: ClusterNode): void {
    const { lastEvent: last } = driver;
    const { state } = oracle;
    if (last.kind === "leader") {
      if (state.kind === "not-serving") return;
      assert.equal(state.epoch, last.epoch, `node ${number} serves another epoch`);
      const isCertain = this.#options.trueMs() < driver.certainUntilTrueMs(last.epoch);
      return assert.equal(oracle.isServing, isCertain, `certainty of node ${number}`);
    }
    assert(state.kind === "not-serving", `node ${number} serves after a ${last.kind} event`);
    assert.equal(oracle.snapshot().epoch, undefined, `the allocator of node ${number} leads`);
    const hint = last.kind === "follower" ? last.leaderEpoch : undefined;
    // A fence attempt under way runs to its end before the event after it is handled.
    if (this.#options.network.carriesFor(number)) return;
    assert.equal(state.leaderEpoch, hint, `node ${number} hints at another leader`);
  }
}
