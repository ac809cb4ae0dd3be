// SPDX-License-Identifier: Apache-2.0

/**
 * The oracle itself, free of any transport, and the contract of the engines that it stands on.
 *
 * ```ts
 * import { Oracle } from "@tsoracle/tsoracle/server";
 * import { MemoryDriver } from "@tsoracle/tsoracle/drivers/memory";
 *
 * await using oracle = new Oracle({ driver: new MemoryDriver() });
 * await oracle.untilServing();
 * const grant = await oracle.getTs(10);
 * ```
 *
 * @module
 */

export { Allocator } from "../core/allocator.ts";
export type {
  CommitOutcome,
  Grant,
  GrantOutcome,
  GrantRefusal,
  PrepareOutcome,
} from "../core/allocator.ts";
export type { Clock, DelayOptions } from "../core/clock.ts";
export { formatEndpoint, parseEndpoint } from "../core/endpoint.ts";
export type { PeerEndpoint } from "../core/endpoint.ts";
export { EPOCH_MAX, epochFromHalves, epochToHalves } from "../core/epoch.ts";
export type { Epoch, EpochHalves } from "../core/epoch.ts";
export { CoreError } from "../core/errors.ts";
export type { CoreErrorCode } from "../core/errors.ts";
export type { Failpoint } from "../core/failpoint.ts";
export {
  checkPhysicalMs,
  isPhysicalMs,
  LOGICAL_BITS,
  LOGICAL_MAX,
  MAX_COUNT,
  packTimestamp,
  PHYSICAL_BITS,
  PHYSICAL_MS_MAX,
  unpackTimestamp,
} from "../core/timestamp.ts";
export type { TimestampParts } from "../core/timestamp.ts";
export type {
  ConsensusDriver,
  DriverCallOptions,
  FollowerEvent,
  LeaderEvent,
  LeadershipEvent,
  UnknownEvent,
} from "../consensus/driver.ts";
export {
  AdvanceOutOfRangeError,
  checkAdvance,
  ConsensusError,
  FencedError,
  NotLeaderError,
  PermanentError,
  SequenceKeyLimitError,
  SequenceOverflowError,
  TransientError,
  UnavailableError,
} from "../consensus/errors.ts";
export type { ConsensusErrorCode } from "../consensus/errors.ts";
export {
  DRIVER_COUNTERS,
  DRIVER_HISTOGRAMS,
  NO_DRIVER_METRICS,
} from "../consensus/driver_metrics.ts";
export type {
  DriverCounterName,
  DriverHistogramName,
  DriverMetrics,
} from "../consensus/driver_metrics.ts";
export { LeadershipStreamError, OracleError } from "./errors.ts";
export type { LeaderHint, OracleErrorCode, OracleErrorOptions } from "./errors.ts";
export { COUNTERS, GAUGES, HISTOGRAMS, NO_METRICS } from "./metrics.ts";
export type { CounterName, GaugeName, HistogramName, Metrics } from "./metrics.ts";
export type { OracleOptions } from "./options.ts";
export { Oracle } from "./oracle.ts";
export type { MaxSafe, OracleEnd } from "./oracle.ts";
export type { HandOverOptions } from "./hand_over.ts";
export type { OracleSnapshot } from "./snapshot.ts";
export { Leases } from "./leases.ts";
export type { SafeFrontier } from "./leases.ts";
export { Sequences } from "./sequences.ts";
export type { CallOptions } from "./call_options.ts";
export type { LeaseClaim, LeaseGrant, LeaseRecord, LeaseRequest } from "../core/lease_table.ts";
export type {
  SequenceBatchGrant,
  SequenceBlock,
  SequenceGrant,
  SequenceRequest,
} from "../core/sequence.ts";
export type { ServingFalse, ServingState, ServingTrue } from "./serving.ts";
export { SystemClock } from "../clock/system_clock.ts";
