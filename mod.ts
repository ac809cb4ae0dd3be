// SPDX-License-Identifier: Apache-2.0

/**
 * A timestamp oracle to embed: give it a driver, serve it.
 *
 * ```ts
 * import { MemoryDriver, Oracle, serve } from "@tsoracle/tsoracle";
 * import assert from "node:assert/strict";
 *
 * await using oracle = new Oracle({ driver: new MemoryDriver() });
 * await using server = await serve(oracle, { port: 0 });
 * await oracle.untilServing();
 *
 * const answer = await fetch(`http://${server.address}/tsoracle.v1.TsoService/GetTs`, {
 *   method: "POST",
 *   headers: { "content-type": "application/json" },
 *   body: JSON.stringify({ count: 2 }),
 * });
 * assert.equal((await answer.json()).count, 2);
 * ```
 *
 * What else there is, by audience: `./drivers/etcd`, `./drivers/postgres`, `./drivers/file` and `./drivers/memory`; `./observe` for metrics and
 * logs; `./testing` for driver authors and for tests; `./server` is the part of this entry that a page in a
 * browser can import; `./proto` the generated messages; `./cli` the command line.
 *
 * @module
 */

export { Oracle } from "./src/server/oracle.ts";
export type { MaxSafe, OracleEnd } from "./src/server/oracle.ts";
export type { HandOverOptions } from "./src/server/hand_over.ts";
export type { OracleSnapshot } from "./src/server/snapshot.ts";
export { Leases } from "./src/server/leases.ts";
export type { SafeFrontier } from "./src/server/leases.ts";
export { Sequences } from "./src/server/sequences.ts";
export type { CallOptions } from "./src/server/call_options.ts";
export type { LeaseClaim, LeaseGrant, LeaseRecord, LeaseRequest } from "./src/core/lease_table.ts";
export type {
  SequenceBatchGrant,
  SequenceBlock,
  SequenceGrant,
  SequenceRequest,
} from "./src/core/sequence.ts";
export type { OracleOptions } from "./src/server/options.ts";
export { LeadershipStreamError, OracleError } from "./src/server/errors.ts";
export type { LeaderHint, OracleErrorCode, OracleErrorOptions } from "./src/server/errors.ts";
export { COUNTERS, GAUGES, HISTOGRAMS, NO_METRICS } from "./src/server/metrics.ts";
export type { CounterName, GaugeName, HistogramName, Metrics } from "./src/server/metrics.ts";
export type { ServingFalse, ServingState, ServingTrue } from "./src/server/serving.ts";
export { SystemClock } from "./src/clock/system_clock.ts";

export { DEFAULT_LIMITS, DEFAULT_PORT, serve, ServeError } from "./src/net/mod.ts";
export type {
  CloseOptions,
  EdgeName,
  Limits,
  OracleServer,
  ServableOracle,
  ServeErrorCode,
  ServeOptions,
  ServerEnd,
  TlsOptions,
} from "./src/net/mod.ts";
export { healthRoutes } from "./src/rpc/health.ts";
export type { HealthOptions } from "./src/rpc/health.ts";
export type { ReadinessSource } from "./src/rpc/readiness.ts";
export type { LifecycleSignals } from "./src/rpc/readiness_feed.ts";
export { reflectionRoutes } from "./src/rpc/reflection.ts";
export type { ReflectionOptions } from "./src/rpc/reflection.ts";
export { routes } from "./src/rpc/service.ts";
export type { Routes, ServiceRegistry } from "./src/rpc/service.ts";
export type { CallLimits } from "./src/rpc/connect_options.ts";
export { createFetchHandler } from "./src/rpc/fetch_handler.ts";
export type { FetchHandlerOptions } from "./src/rpc/fetch_handler.ts";
export type { LeaseSource, SequenceSource, TimestampSource } from "./src/rpc/timestamp_source.ts";

export { EtcdDriver } from "./src/drivers/etcd/mod.ts";
export type {
  EtcdDriverOptions,
  EtcdLocation,
  EtcdRestoreOptions,
  EtcdTlsOptions,
} from "./src/drivers/etcd/mod.ts";
export { FileDriver, FileStateError } from "./src/drivers/file/mod.ts";
export type {
  FileDriverInitOptions,
  FileDriverLimits,
  FileDriverOptions,
  FileStateErrorCode,
  FileStateErrorOptions,
  StateDirectoryOptions,
} from "./src/drivers/file/mod.ts";
export { MemoryDriver } from "./src/drivers/memory/mod.ts";
export type { MemoryDriverOptions } from "./src/drivers/memory/mod.ts";
export { PostgresDriver } from "./src/drivers/postgres/mod.ts";
export type {
  PostgresDriverOptions,
  PostgresLocation,
  PostgresRestoreOptions,
  PostgresTlsOptions,
} from "./src/drivers/postgres/mod.ts";

export type {
  ConsensusDriver,
  DriverCallOptions,
  FollowerEvent,
  LeaderEvent,
  LeadershipEvent,
  UnknownEvent,
} from "./src/consensus/driver.ts";
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
} from "./src/consensus/errors.ts";
export type { ConsensusErrorCode } from "./src/consensus/errors.ts";
export {
  DRIVER_COUNTERS,
  DRIVER_HISTOGRAMS,
  NO_DRIVER_METRICS,
} from "./src/consensus/driver_metrics.ts";
export type {
  DriverCounterName,
  DriverHistogramName,
  DriverMetrics,
} from "./src/consensus/driver_metrics.ts";

export type { Grant } from "./src/core/allocator.ts";
export type { Clock, DelayOptions } from "./src/core/clock.ts";
export { formatEndpoint, parseEndpoint } from "./src/core/endpoint.ts";
export type { PeerEndpoint } from "./src/core/endpoint.ts";
export { EPOCH_MAX, epochFromHalves, epochToHalves } from "./src/core/epoch.ts";
export type { Epoch, EpochHalves } from "./src/core/epoch.ts";
export { CoreError } from "./src/core/errors.ts";
export type { CoreErrorCode } from "./src/core/errors.ts";
export type { Failpoint } from "./src/core/failpoint.ts";
export {
  LOGICAL_MAX,
  MAX_COUNT,
  packTimestamp,
  PHYSICAL_MS_MAX,
  unpackTimestamp,
} from "./src/core/timestamp.ts";
export type { TimestampParts } from "./src/core/timestamp.ts";
export { VERSION } from "./src/version.ts";
