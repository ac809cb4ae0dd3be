// SPDX-License-Identifier: Apache-2.0

/** Help texts of all counters, by name (behaviour.md 8.1). */
export const COUNTERS = {
  "tsoracle.get_ts.requests.total":
    "GetTs calls with a count of at least 1, before the leader gate",
  "tsoracle.get_ts.success.total": "GetTs calls that were granted",
  "tsoracle.get_ts.timestamps_issued": "timestamps granted",
  "tsoracle.get_seq.requests.total": "GetSeq calls",
  "tsoracle.get_seq.success.total": "GetSeq calls that got their block",
  "tsoracle.get_seq.values_issued": "ordinals granted by GetSeq",
  "tsoracle.get_seq.cardinality_rejected.total":
    "GetSeq calls refused because the store holds as many keys as it may",
  "tsoracle.get_seq.outcome_unknown.total":
    "GetSeq calls whose block may be spent, as the store failed or did not answer in time",
  "tsoracle.get_seq.batch.requests.total": "GetSeqBatch calls",
  "tsoracle.get_seq.batch.success.total": "GetSeqBatch calls that got their blocks",
  "tsoracle.get_seq.batch.values_issued": "ordinals granted by GetSeqBatch",
  "tsoracle.get_seq.batch.cardinality_rejected.total":
    "GetSeqBatch calls refused because the store holds as many keys as it may",
  "tsoracle.get_seq.batch.outcome_unknown.total":
    "GetSeqBatch calls whose blocks may be spent, as the store failed or did not answer in time",
  "tsoracle.lease.acquire.requests.total": "AcquireLease calls, before the leader gate",
  "tsoracle.lease.acquire.success.total":
    "AcquireLease calls that got a lease, a live one again included",
  "tsoracle.lease.renew.requests.total": "RenewLease calls, before the leader gate",
  "tsoracle.lease.renew.success.total": "RenewLease calls that were granted",
  "tsoracle.lease.release.requests.total": "ReleaseLease calls, before the leader gate",
  "tsoracle.lease.persist_failures.total":
    "lease operations that the store failed or did not answer in time",
  "tsoracle.not_leader.total": "not-leader answers of any method",
  "tsoracle.leader_transition.total": "leadership events seen",
  "tsoracle.leader_transition.fence_transient_retries.total":
    "fence attempts repeated after a transient fault",
  "tsoracle.leader_transition.epoch_regressions.total":
    "leadership events whose epoch went back: a driver's bug",
  "tsoracle.window.extensions.total": "persists that extended the window, failed ones included",
  "tsoracle.window.extensions.ignored.not_leader.total":
    "extensions that became durable after a step-down",
  "tsoracle.window.extensions.ignored.epoch_mismatch.total":
    "extensions that became durable in a later epoch",
  "tsoracle.window.extensions.ignored.not_advanced.total":
    "extensions that raised nothing, as a lease had raised the high-water further",
  "tsoracle.shutdown.watch_aborted.total": "leader watches that outlived the shutdown grace",
  "tsoracle.heartbeat.task_panicked.total": "heartbeats that ended with an exception",
} as const;

/** Help texts of all histograms, by name. Durations are in seconds. */
export const HISTOGRAMS = {
  "tsoracle.leader_transition.fence_latency":
    "time from a leader event to serving, drain included, successes only",
  "tsoracle.window.extension_latency":
    "time of one persist that extends the window, failed ones included",
  "tsoracle.get_seq.batch.keys": "keys of one GetSeqBatch call that was let in",
} as const;

/** Help texts of all gauges, by name. They are read when somebody looks. */
export const GAUGES = {
  "tsoracle.serving": "1 while this node answers GetTs, else 0",
  "tsoracle.leader": "1 while this node leads, also in doubt of it, else 0",
  "tsoracle.epoch_hi": "upper 64 bits of the epoch under which this node leads, 0 while not leader",
  "tsoracle.epoch_lo": "lower 64 bits of that epoch",
  "tsoracle.certainty.remaining_ms":
    "milliseconds for which the leadership is certain yet: 0 without it, +Inf if the driver needs no lease",
  "tsoracle.high_water_ms":
    "durable high-water in milliseconds since the Unix epoch, 0 while not leader",
  "tsoracle.leases": "leases that have not expired, superseded ones included; 0 while not leader",
  "tsoracle.window.remaining_ms": "milliseconds of the window not yet reached",
} as const;

/** Name of a counter. */
export type CounterName = keyof typeof COUNTERS;
/** Name of a histogram. */
export type HistogramName = keyof typeof HISTOGRAMS;
/** Name of a gauge. */
export type GaugeName = keyof typeof GAUGES;

/** Where the oracle reports to. Implementations are called on the request path and must return at once. */
export interface Metrics {
  /** Adds to a counter. */
  count(name: CounterName, by: number): void;
  /** Records one value: a duration in seconds, unless the help text says otherwise. */
  observe(name: HistogramName, value: number): void;
}

/** Reports to nobody: the default of a library. */
export const NO_METRICS: Metrics = {
  count: () => {},
  observe: () => {},
};
