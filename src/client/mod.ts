// SPDX-License-Identifier: Apache-2.0

/**
 * The client for Deno and Node. It finds the leader, follows it, and gathers callers into batches; it keeps
 * no timestamp for later.
 *
 * ```ts
 * import { TsoClient } from "@tsoracle/tsoracle/client";
 * import { MemoryDriver, Oracle, serve } from "@tsoracle/tsoracle";
 * import assert from "node:assert/strict";
 *
 * await using oracle = new Oracle({ driver: new MemoryDriver() });
 * await using server = await serve(oracle, { port: 0 });
 *
 * await using client = new TsoClient({ endpoints: [server.address] });
 * const first = await client.getTs();
 * const many = await client.getTsBatch(1_000);
 * assert(first < many.first && many.first < many.last);
 * ```
 *
 * @module
 */

export { TsoClient } from "./node_client.ts";
export { BaseTsoClient } from "./tso_client.ts";
export type { LeaseClaim } from "./arguments.ts";
export type {
  Channel,
  ChannelTarget,
  ClientTlsOptions,
  ConnectChannel,
  ConnectTransport,
} from "./channel.ts";
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
export type { HeldLease } from "./held_lease.ts";
export type { HoldLeaseOptions } from "./hold_options.ts";
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
