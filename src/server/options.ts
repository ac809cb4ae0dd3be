// SPDX-License-Identifier: Apache-2.0

import { UINT32_MAX } from "../core/integer_limits.ts";
import type { ConsensusDriver } from "../consensus/driver.ts";
import type { Clock } from "../core/clock.ts";
import type { Failpoint } from "../core/failpoint.ts";
import { PHYSICAL_MS_MAX } from "../core/timestamp.ts";
import { DEFAULT_MAX_SEQUENCE_BATCH_KEYS, DEFAULT_MAX_SEQUENCE_COUNT } from "../core/sequence.ts";
import type { Metrics } from "./metrics.ts";
import { NO_METRICS } from "./metrics.ts";
import { SystemClock } from "../clock/system_clock.ts";

/** Shortest lease by default, in milliseconds (behaviour.md 1.5). */
export const DEFAULT_MIN_LEASE_TTL_MS = 5_000;

/** Longest lease by default, in milliseconds (behaviour.md 1.5). */
export const DEFAULT_MAX_LEASE_TTL_MS = 300_000;

/** Most leases by default: 700 KB in a store, below what etcd takes in one request. */
export const DEFAULT_MAX_LEASES = 4_096;

/** Options of the oracle. Durations are in milliseconds. */
export interface OracleOptions {
  /** The engine that elects the leader and keeps the high-water. The oracle does not close it. */
  readonly driver: ConsensusDriver;
  /**
   * Where time comes from.
   *
   * @default {new SystemClock()}
   */
  readonly clock?: Clock;
  /**
   * How far beyond the clock one extension reaches, at least 1. A larger window asks the engine less
   * often; a restart leaves up to this much of the future unused (behaviour.md 3.6).
   *
   * @default {3_000}
   */
  readonly windowAheadMs?: number;
  /**
   * How far beyond the first timestamp the fence of a new leader reaches, at least 0. It is also the room
   * that a refill leaves above a cursor that runs ahead of the clock (behaviour.md 3.6).
   *
   * @default {1_000}
   */
  readonly failoverAdvanceMs?: number;
  /**
   * The part of `windowAheadMs` that is left when a refill starts in the background, above 0 and below 1.
   * It has to cover the engine's slowest usual write.
   *
   * @default {1 / 3}
   */
  readonly refillFraction?: number;
  /**
   * Largest block of one sequence request, 1 to 2^32 - 1 (behaviour.md 1.6).
   *
   * @default {65_536}
   */
  readonly maxSequenceCount?: number;
  /**
   * Most keys of one batch of sequence requests, at least 1 (behaviour.md 1.6).
   *
   * @default {128}
   */
  readonly maxSequenceBatchKeys?: number;
  /**
   * Shortest lease that a holder may ask for, at least 1. It should outlast a change of leader
   * (behaviour.md 1.5).
   *
   * @default {5_000}
   */
  readonly minLeaseTtlMs?: number;
  /**
   * Longest lease that a holder may ask for, at least `minLeaseTtlMs`. A lease raises the high-water by as
   * much, and a restart begins above the high-water (behaviour.md 1.5).
   *
   * @default {300_000}
   */
  readonly maxLeaseTtlMs?: number;
  /**
   * Most leases that have not expired, superseded ones included, at least 1. Each change of a lease writes
   * all of them, up to 171 bytes each.
   *
   * @default {4_096}
   */
  readonly maxLeases?: number;
  /**
   * How long `close()` lets driver calls under way finish, at least 0; zero abandons them at once
   * (behaviour.md 3.5).
   *
   * @default {10_000}
   */
  readonly shutdownGraceMs?: number;
  /**
   * Time between two heartbeat log lines, at least 0; zero writes none (behaviour.md 3.7).
   *
   * @default {10_000}
   */
  readonly heartbeatIntervalMs?: number;
  /**
   * Where to report to.
   *
   * @default {NO_METRICS}
   */
  readonly metrics?: Metrics;
  /**
   * Whether an epoch that goes back stops the oracle. Otherwise it is logged and counted, and the node does
   * not serve under that epoch. For tests of drivers.
   *
   * @default {false}
   */
  readonly strictEpochs?: boolean;
  /** A test's hook at the named steps of the fence. */
  readonly failpoint?: Failpoint;
}

/** Options with every default filled in. */
export interface OracleSettings {
  readonly driver: ConsensusDriver;
  readonly clock: Clock;
  readonly windowAheadMs: number;
  readonly failoverAdvanceMs: number;
  readonly refillBelowMs: number;
  readonly maxSequenceCount: number;
  readonly maxSequenceBatchKeys: number;
  readonly minLeaseTtlMs: number;
  readonly maxLeaseTtlMs: number;
  readonly maxLeases: number;
  readonly shutdownGraceMs: number;
  readonly heartbeatIntervalMs: number;
  readonly metrics: Metrics;
  readonly strictEpochs: boolean;
  readonly failpoint: Failpoint | undefined;
}

/**
 * Checks the options and fills in the defaults.
 *
 * @throws {RangeError} naming the option, the rule and the value
 */
export function resolveOptions(options: OracleOptions): OracleSettings {
  const {
    driver,
    clock = new SystemClock(),
    windowAheadMs = 3_000,
    failoverAdvanceMs = 1_000,
    refillFraction = 1 / 3,
    maxSequenceCount = DEFAULT_MAX_SEQUENCE_COUNT,
    maxSequenceBatchKeys = DEFAULT_MAX_SEQUENCE_BATCH_KEYS,
    minLeaseTtlMs = DEFAULT_MIN_LEASE_TTL_MS,
    maxLeaseTtlMs = DEFAULT_MAX_LEASE_TTL_MS,
    maxLeases = DEFAULT_MAX_LEASES,
    shutdownGraceMs = 10_000,
    heartbeatIntervalMs = 10_000,
    metrics = NO_METRICS,
    strictEpochs = false,
    failpoint,
  } = options;
  checkMs("windowAheadMs", windowAheadMs, 1);
  checkMs("failoverAdvanceMs", failoverAdvanceMs, 0);
  checkMs("shutdownGraceMs", shutdownGraceMs, 0);
  checkMs("heartbeatIntervalMs", heartbeatIntervalMs, 0);
  checkWhole("maxSequenceCount", maxSequenceCount, UINT32_MAX);
  checkWhole("maxSequenceBatchKeys", maxSequenceBatchKeys, UINT32_MAX);
  checkMs("minLeaseTtlMs", minLeaseTtlMs, 1);
  checkMs("maxLeaseTtlMs", maxLeaseTtlMs, minLeaseTtlMs);
  checkWhole("maxLeases", maxLeases, UINT32_MAX);
  if (!(refillFraction > 0 && refillFraction < 1)) {
    refuse("refillFraction", "above 0 and below 1", refillFraction);
  }
  return {
    driver,
    clock,
    windowAheadMs,
    failoverAdvanceMs,
    refillBelowMs: windowAheadMs * refillFraction,
    maxSequenceCount,
    maxSequenceBatchKeys,
    minLeaseTtlMs,
    maxLeaseTtlMs,
    maxLeases,
    shutdownGraceMs,
    heartbeatIntervalMs,
    metrics,
    strictEpochs,
    failpoint,
  };
}

function checkWhole(name: string, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= max) return;
  refuse(name, `a whole number from 1 to ${max}`, value);
}

function checkMs(name: string, value: number, min: number): void {
  if (!Number.isInteger(value) || value < min || value > PHYSICAL_MS_MAX) {
    refuse(name, `a whole number of milliseconds, at least ${min}`, value);
  }
}

function refuse(name: string, rule: string, value: number): never {
  throw new RangeError(
    `Cannot start the oracle as '${name}' must be ${rule}: current value is ${value}`,
  );
}
