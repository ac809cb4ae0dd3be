// SPDX-License-Identifier: Apache-2.0

import { Oracle } from "../../../src/server/oracle.ts";
import type { OracleEnd } from "../../../src/server/oracle.ts";
import { ManualClock } from "../../../src/testing/manual_clock.ts";
import { EngineDriver } from "./engine_driver.ts";
import type { Flaw, Handover } from "./engine.ts";
import type { Network } from "./network.ts";

const WALL_START_MS = 1_700_000_000_000;

/** Keeps a reading of one node's monotonic clock from being mistaken for another's. */
const MONOTONIC_APART_MS = 1e9;

/** What a cluster is made of. */
export interface ClusterOptions {
  readonly handover: Handover;
  /** What the engine does wrong, if anything. */
  readonly flaw?: Flaw | undefined;
  readonly windowAheadMs: number;
  readonly failoverAdvanceMs: number;
  /** How far each node's wall clock is off; one node each. */
  readonly skewsMs: readonly number[];
}

/** What an oracle does: it asks the driver, or has started to serve. */
export type OracleStep = "load" | "persist" | "serve";

/** Options of {@linkcode ClusterNode}. */
export interface ClusterNodeOptions {
  readonly cluster: ClusterOptions;
  readonly number: number;
  readonly network: Network;
  /** The true time, in milliseconds. */
  readonly trueMs: () => number;
  /** Runs at the steps of the oracle that a check looks at. */
  readonly onStep: (node: ClusterNode, step: OracleStep) => void;
}

/** A real oracle with its own clocks and its own side of the made-up engine. */
export class ClusterNode {
  readonly number: number;
  readonly clock: ManualClock;
  readonly driver: EngineDriver;
  readonly oracle: Oracle;
  isPaused = false;
  /** How the oracle ended, once it has. */
  end: OracleEnd | undefined;

  constructor({ cluster, number, network, trueMs, onStep }: ClusterNodeOptions) {
    const { handover, windowAheadMs, failoverAdvanceMs, skewsMs } = cluster;
    const monotonicStartMs = (number + 1) * MONOTONIC_APART_MS;
    const nowMs = WALL_START_MS + (skewsMs[number] ?? 0);
    this.number = number;
    this.clock = new ManualClock({ nowMs, monotonicMs: monotonicStartMs });
    this.driver = new EngineDriver({
      node: number,
      network,
      trueMs,
      monotonicStartMs,
      leaseMs: handover.kind === "lease" ? handover.leaseMs : undefined,
      onLoad: () => onStep(this, "load"),
      onPersist: () => onStep(this, "persist"),
    });
    this.oracle = new Oracle({
      driver: this.driver,
      clock: this.clock,
      windowAheadMs,
      failoverAdvanceMs,
      heartbeatIntervalMs: 0,
      shutdownGraceMs: 0,
      minLeaseTtlMs: 1,
      strictEpochs: true,
      failpoint: (name) => {
        if (name === "server::fence::after_serving_published") onStep(this, "serve");
      },
    });
    void this.oracle.finished.then((end) => this.end = end);
  }

  /** Lets time pass; a paused node's timers see it afterwards. */
  async tick(ms: number): Promise<void> {
    if (this.isPaused) this.clock.pause(ms);
    else await this.clock.advance(ms);
  }
}
