// SPDX-License-Identifier: Apache-2.0

/** Help texts of all counters of a client, by name (behaviour.md 8.2). */
export const CLIENT_COUNTERS = {
  "tsoracle.client.not_leader.total": "not-leader answers",
  "tsoracle.client.leader_pivots.total": "changes of the leader that the client goes to",
  "tsoracle.client.retries.connect_failure.total": "attempts after a connection that failed",
  "tsoracle.client.retries.not_leader.total": "attempts after a not-leader answer",
  "tsoracle.client.retries.transport.total": "attempts after a fault under way",
  "tsoracle.client.retries.decode_error.total": "attempts after an answer that broke the protocol",
  "tsoracle.client.retries.deadline_exceeded.total": "attempts after one that took too long",
  "tsoracle.client.leader_hint.decode_failures.total": "hints that could not be read",
  "tsoracle.client.leader_hint.stale.total": "hints that were behind what the client knew",
  "tsoracle.client.leader_redirect_cap.total": "passes ended because servers sent it in circles",
  "tsoracle.client.leader_redirect_total_cap.total":
    "calls ended because servers sent it in circles",
  "tsoracle.client.connect.failures.total": "connections that could not be made",
  "tsoracle.client.abandoned_callers.total": "callers that left before their batch was answered",
  "tsoracle.client.went_back.total": "answers thrown away because they went back",
} as const;

/** Help texts of all gauges of a client, by name (behaviour.md 8.2). */
export const CLIENT_GAUGES = {
  "tsoracle.client.queue_depth": "callers that wait for a batch to leave",
  "tsoracle.client.in_flight": "batches under way",
} as const;

/** Name of a counter of a client. */
export type ClientCounterName = keyof typeof CLIENT_COUNTERS;
/** Name of a gauge of a client. */
export type ClientGaugeName = keyof typeof CLIENT_GAUGES;

/** Where a client reports to. Implementations must return at once. */
export interface ClientMetrics {
  /** Adds to a counter. */
  count(name: ClientCounterName, by: number): void;
  /** Sets a gauge, once per batch. */
  gauge(name: ClientGaugeName, value: number): void;
}

/** Reports to nobody. */
export const NO_CLIENT_METRICS: ClientMetrics = {
  count: () => {},
  gauge: () => {},
};
