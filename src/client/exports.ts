// SPDX-License-Identifier: Apache-2.0

/**
 * What every entry point of the client exports besides its own `TsoClient`.
 *
 * @module
 */

export { BaseTsoClient } from "./tso_client.ts";
export type { LeaseClaim } from "./arguments.ts";
export type {
  Channel,
  ChannelTarget,
  ClientTlsOptions,
  ConnectChannel,
  ConnectTransport,
} from "./channels/channel.ts";
export { SeqUncertainError, TsoClientError, WentBackError } from "./errors.ts";
export type { ClientErrorCode, TsoClientErrorOptions } from "./errors.ts";
export type {
  BatchGrant,
  LeaseGrant,
  SafePoint,
  SequenceBatchGrant,
  SequenceBlock,
  SequenceGrant,
} from "./grants.ts";
export type { HeldLease, HeldLeaseJson } from "./leases/held_lease.ts";
export type { HoldLeaseOptions } from "./leases/hold_options.ts";
export { CLIENT_COUNTERS, CLIENT_GAUGES, NO_CLIENT_METRICS } from "./metrics.ts";
export type { ClientCounterName, ClientGaugeName, ClientMetrics } from "./metrics.ts";
export type { ClientCallOptions, ClientOptions, RetryOptions } from "./options.ts";
export { Timestamp } from "./timestamp.ts";
export type { TimestampStart } from "./timestamp.ts";
export { TimestampRange } from "./timestamp_range.ts";
export type { TimestampRangeOptions } from "./timestamp_range.ts";

export type { Clock, DelayOptions } from "../core/clock.ts";
export type { Epoch } from "../core/epoch.ts";
export type { SequenceRequest } from "../core/sequence.ts";
