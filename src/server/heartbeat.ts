// SPDX-License-Identifier: Apache-2.0

import { getLogger } from "@logtape/logtape";
import { orAborted } from "../core/abortable.ts";
import type { Clock } from "../core/clock.ts";
import type { LeaderWatch } from "./leader_watch.ts";
import type { Meter } from "./meter.ts";
import type { CounterName } from "./metrics.ts";
import type { ServingCore } from "./serving_core.ts";

const logger = getLogger(["tsoracle", "heartbeat"]);

const DELTAS = {
  requests: "tsoracle.get_ts.requests.total",
  ts_issued: "tsoracle.get_ts.timestamps_issued",
  not_leader: "tsoracle.not_leader.total",
  transitions: "tsoracle.leader_transition.total",
  fence_retries: "tsoracle.leader_transition.fence_transient_retries.total",
} as const satisfies Record<string, CounterName>;

/** What {@linkcode beat} works with. */
export interface HeartbeatOptions {
  /** Time between two lines in milliseconds, above 0. */
  readonly intervalMs: number;
  /** Measures the interval and the ages. */
  readonly clock: Clock;
  /** Tells whether the node serves. */
  readonly core: ServingCore;
  /** Tells what happened since the last line. */
  readonly meter: Meter;
  /** Tells how old the latest leadership event is. */
  readonly watch: LeaderWatch;
  /** Ends the heartbeat; it wins over a line that is due. */
  readonly stop: AbortSignal;
}

/** Writes one log line per interval, also when idle, until the stop (behaviour.md 3.7). */
export async function beat(options: HeartbeatOptions): Promise<void> {
  const { intervalMs, clock, core, meter, watch, stop } = options;
  const startedMs = clock.monotonicMs();
  let before = readTotals(meter);
  for (;;) {
    await orAborted(clock.delay(intervalMs, { signal: stop }), stop);
    if (stop.aborted) return;
    const totals = readTotals(meter);
    const nowMs = clock.monotonicMs();
    logger.info("heartbeat", {
      uptime_secs: seconds(nowMs - startedMs),
      serving: core.isServing,
      epoch: core.allocator.epoch?.toString() ?? null,
      ...deltas(before, totals),
      requests_total: totals.requests,
      last_transition_age_secs: watch.lastTransitionMs === undefined
        ? null
        : seconds(nowMs - watch.lastTransitionMs),
    });
    before = totals;
  }
}

type Totals = Record<keyof typeof DELTAS, number>;

function readTotals(meter: Meter): Totals {
  return mapDeltas((key) => meter.total(DELTAS[key]));
}

function deltas(before: Totals, after: Totals): Totals {
  return mapDeltas((key) => after[key] - before[key]);
}

function mapDeltas(value: (key: keyof typeof DELTAS) => number): Totals {
  const keys = Object.keys(DELTAS) as (keyof typeof DELTAS)[];
  return Object.fromEntries(keys.map((key) => [key, value(key)])) as Totals;
}

function seconds(ms: number): number {
  return Math.floor(ms / 1_000);
}
