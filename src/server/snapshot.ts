// SPDX-License-Identifier: Apache-2.0

import type { Clock } from "../core/clock.ts";
import type { Epoch } from "../core/epoch.ts";
import type { ServingCore } from "./serving_core.ts";

/** The figures behind the gauges. */
export interface OracleSnapshot {
  /** Whether this node answers with grants. */
  readonly serving: boolean;
  /** The epoch under which it leads, if it does. It may be in doubt about it at the moment. */
  readonly epoch: Epoch | undefined;
  /**
   * How long the leadership is certain yet, in milliseconds: 0 if it does not lead or is in doubt, infinite if its
   * driver needs no lease.
   */
  readonly certainForMs: number;
  /** The durable high-water in milliseconds; 0 while not leader. */
  readonly highWaterMs: number;
  /** Milliseconds of the window not yet reached. */
  readonly remainingMs: number;
  /** Leases that have not expired, superseded ones included; 0 while not leader. */
  readonly leases: number;
}

/** Reads the figures of this moment. */
export function snapshotOf(core: ServingCore, clock: Clock): OracleSnapshot {
  const { allocator, leases } = core;
  return {
    serving: core.isServing,
    epoch: allocator.epoch,
    certainForMs: core.certainForMs,
    highWaterMs: allocator.highWaterMs ?? 0,
    remainingMs: allocator.remainingMs,
    leases: leases.unexpired(leases.clock(clock.nowMs())).length,
  };
}
