// SPDX-License-Identifier: Apache-2.0

/** Help texts of the counters of cluster drivers, by name. */
export const DRIVER_COUNTERS = {
  "tsoracle.driver.take_overs.total": "terms that this node has begun",
  "tsoracle.driver.take_overs_lost.total":
    "attempts to begin a term that another node was quicker in, or that the old leader outlived",
  "tsoracle.driver.resignations.total": "terms that this node has given up in order",
  "tsoracle.driver.heartbeats.total": "heartbeats that the engine has acknowledged",
  "tsoracle.driver.heartbeats_failed.total":
    "heartbeats that the engine refused or did not acknowledge in time",
  "tsoracle.driver.certainty_lost.total":
    "times that this node led and was no longer certain of it, for want of an acknowledged heartbeat",
  "tsoracle.driver.watch_gaps.total":
    "gaps of the watch of the leadership: its loss is one, its new beginning another",
} as const;

/** Help texts of the histograms of cluster drivers, by name. All are in seconds. */
export const DRIVER_HISTOGRAMS = {
  "tsoracle.driver.heartbeat_latency": "time of one acknowledged heartbeat",
  "tsoracle.driver.persist_latency": "time of one write of the high-water, failed ones included",
} as const;

/** Name of a counter of a cluster driver. */
export type DriverCounterName = keyof typeof DRIVER_COUNTERS;
/** Name of a histogram of a cluster driver. */
export type DriverHistogramName = keyof typeof DRIVER_HISTOGRAMS;

/** Where a cluster driver reports to. Implementations must return at once. */
export interface DriverMetrics {
  /** Adds to a counter. */
  count(name: DriverCounterName, by: number): void;
  /** Records a duration in seconds. */
  observe(name: DriverHistogramName, seconds: number): void;
}

/** Reports to nobody: the default of a library. */
export const NO_DRIVER_METRICS: DriverMetrics = {
  count: () => {},
  observe: () => {},
};
