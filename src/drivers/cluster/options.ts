// SPDX-License-Identifier: Apache-2.0

import type { DriverMetrics } from "../../consensus/driver_metrics.ts";
import type { Clock } from "../../core/clock.ts";
import type { PeerEndpoint } from "../../core/endpoint.ts";
import { LONGEST_TIMER_MS } from "../../core/timer_limit.ts";
import type { ClusterStore } from "./store.ts";

/** Default of {@linkcode ClusterNodeOptions.callTimeoutMs}. */
export const DEFAULT_CALL_TIMEOUT_MS = 5_000;

/** What a driver of a cluster is told about its node, whatever the engine. */
export interface ClusterNodeOptions {
  /** The service address of this node, at which clients of the other nodes are hinted while it leads. */
  readonly endpoint: PeerEndpoint;
  /**
   * How long a leader that is not heard of keeps its term, in milliseconds, 300 to 60_000. A longer one survives longer
   * pauses of the engine, a shorter one ends sooner after a crash. It must be the same on all nodes.
   *
   * @default {1_500}
   */
  readonly leaseMs?: number | undefined;
  /**
   * How long a call of the oracle may wait for the engine, in milliseconds, above 0. Heartbeats have a time of their own, which
   * follows from the lease.
   *
   * @default {5_000}
   */
  readonly callTimeoutMs?: number | undefined;
  /**
   * How many sequences there may be, at least 1. If there are more already, all of them can be used, but no other.
   *
   * @default {10_000}
   */
  readonly maxSequenceKeys?: number | undefined;
  /**
   * The clocks of this node. The oracle must be given the same.
   *
   * @default {new SystemClock()}
   */
  readonly clock?: Clock | undefined;
  /**
   * Where take-overs, heartbeats and writes are reported to.
   *
   * @default {NO_DRIVER_METRICS}
   */
  readonly metrics?: DriverMetrics | undefined;
}

/** Options of a {@linkcode ClusterDriver}. */
export interface ClusterDriverOptions extends ClusterNodeOptions {
  /** The engine. The driver closes it. */
  readonly store: ClusterStore;
}

/** @throws {RangeError} if it is out of range */
export function checkCallTimeout(callTimeoutMs: number): void {
  if (callTimeoutMs > 0 && callTimeoutMs <= LONGEST_TIMER_MS) return;
  throw new RangeError(
    `Cannot make a driver as 'callTimeoutMs' must be above 0 and at most ${LONGEST_TIMER_MS}: current value is ${callTimeoutMs}`,
  );
}

/** @throws {RangeError} if it is no whole number from 1 */
export function checkMaxSequenceKeys(maxSequenceKeys: number): void {
  if (Number.isSafeInteger(maxSequenceKeys) && maxSequenceKeys >= 1) return;
  throw new RangeError(
    `Cannot make a driver as 'maxSequenceKeys' must be a whole number from 1 to ${Number.MAX_SAFE_INTEGER}: current value is ${maxSequenceKeys}`,
  );
}
