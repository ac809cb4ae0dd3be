// SPDX-License-Identifier: Apache-2.0

import { abortable } from "../../core/abortable.ts";
import type {
  ConsensusDriver,
  DriverCallOptions,
  LeadershipEvent,
} from "../../consensus/driver.ts";
import { eventEpoch } from "../../consensus/event_epoch.ts";
import { checkAdvance, FencedError } from "../../consensus/errors.ts";
import { takeSequences } from "../../consensus/take_sequences.ts";
import type { Epoch } from "../../core/epoch.ts";
import type { LeaseRecord } from "../../core/lease_table.ts";
import { DEFAULT_MAX_SEQUENCE_KEYS } from "../../core/sequence.ts";
import type { SequenceRequest } from "../../core/sequence.ts";
import { SequenceCounters } from "../../core/sequence_counters.ts";
import { deferred } from "../../core/deferred.ts";
import type { Deferred } from "../../core/deferred.ts";

/** An event, and the one that follows it once there is one. */
interface Announcement {
  readonly event: LeadershipEvent;
  readonly next: Deferred<Announcement>;
}

/** Options of {@linkcode MemoryDriver}. */
export interface MemoryDriverOptions {
  /**
   * The leadership reported first.
   *
   * @default {{ kind: "leader", epoch: 1n }}
   */
  readonly initial?: LeadershipEvent;
  /**
   * The high-water found at the start, in milliseconds.
   *
   * @default {0}
   */
  readonly highWaterMs?: number;
  /**
   * The sequences found at the start, each with its next ordinal.
   *
   * @default {new Map()}
   */
  readonly sequences?: ReadonlyMap<string, bigint>;
  /**
   * How many sequences there may be, at least 1.
   *
   * @default {10_000}
   */
  readonly maxSequenceKeys?: number;
}

/**
 * A driver that forgets everything with the process: for tests and demos, never for data.
 *
 * Leadership can be scripted with {@linkcode MemoryDriver.announce}. Writes are fenced by the highest epoch
 * announced or written.
 *
 * @example
 * ```ts
 * import { MemoryDriver } from "@tsoracle/tsoracle/drivers/memory";
 * import assert from "node:assert/strict";
 *
 * const driver = new MemoryDriver();
 * assert.equal(await driver.persistHighWater(1_000, 1n), 1_000);
 * assert.equal(await driver.persistHighWater(500, 1n), 1_000);
 * assert.equal(await driver.loadHighWater(), 1_000);
 * ```
 */
export class MemoryDriver implements ConsensusDriver {
  #highWaterMs: number;
  readonly #counters: SequenceCounters;
  #leases: readonly LeaseRecord[] = [];
  #fence: Epoch;
  #latest: Announcement;

  /**
   * Makes a driver that holds nothing but what the options say.
   *
   * @throws {AdvanceOutOfRangeError} if the high-water does not fit 46 bits
   * @throws {RangeError} if the limit of keys is no whole number from 1
   */
  constructor(options: MemoryDriverOptions = {}) {
    const { initial = { kind: "leader", epoch: 1n }, highWaterMs = 0 } = options;
    checkAdvance(highWaterMs);
    this.#highWaterMs = highWaterMs;
    const { sequences = new Map(), maxSequenceKeys = DEFAULT_MAX_SEQUENCE_KEYS } = options;
    checkMaxSequenceKeys(maxSequenceKeys);
    this.#counters = new SequenceCounters(maxSequenceKeys, new Map(sequences));
    this.#latest = { event: initial, next: deferred() };
    this.#fence = eventEpoch(initial) ?? 0n;
  }

  /** Reports a change of leadership to every running stream, and as the first item to later ones. */
  announce(event: LeadershipEvent): void {
    const { next } = this.#latest;
    this.#latest = { event, next: deferred() };
    const epoch = eventEpoch(event);
    if (epoch !== undefined && epoch > this.#fence) this.#fence = epoch;
    next.resolve(this.#latest);
  }

  /** Yields the current leadership, then each announced one, until the signal fires and is thrown. */
  async *leadershipEvents(
    options: { readonly signal: AbortSignal },
  ): AsyncGenerator<LeadershipEvent> {
    const { signal } = options;
    let latest = this.#latest;
    if (!signal.aborted) yield latest.event;
    while (!signal.aborted) {
      latest = await abortable(latest.next.promise, signal);
      yield latest.event;
    }
  }

  /** The high-water held in memory. */
  loadHighWater(_options?: DriverCallOptions): Promise<number> {
    return Promise.resolve(this.#highWaterMs);
  }

  /** Raises the high-water held in memory. */
  // deno-lint-ignore require-await -- a rejection, not a synchronous throw
  async persistHighWater(
    atLeastMs: number,
    epoch: Epoch,
    _options?: DriverCallOptions,
  ): Promise<number> {
    checkAdvance(atLeastMs);
    this.#checkEpoch(epoch);
    this.#highWaterMs = Math.max(this.#highWaterMs, atLeastMs);
    return this.#highWaterMs;
  }

  /** The next ordinal held in memory. */
  loadDenseSeq(key: string, _options?: DriverCallOptions): Promise<bigint> {
    return Promise.resolve(this.#counters.next(key));
  }

  /** Takes ordinals from the memory. */
  async advanceDense(
    request: SequenceRequest,
    epoch: Epoch,
    options?: DriverCallOptions,
  ): Promise<bigint> {
    const [start = 0n] = await this.advanceDenseBatch([request], epoch, options);
    return start;
  }

  /** Takes ordinals of several sequences from the memory. */
  // deno-lint-ignore require-await -- a rejection, not a synchronous throw
  async advanceDenseBatch(
    requests: readonly SequenceRequest[],
    epoch: Epoch,
    options: DriverCallOptions = {},
  ): Promise<readonly bigint[]> {
    options.signal?.throwIfAborted();
    this.#checkEpoch(epoch);
    return takeSequences(this.#counters, requests);
  }

  /** The leases held in memory. */
  loadLeases(_options?: DriverCallOptions): Promise<readonly LeaseRecord[]> {
    return Promise.resolve(this.#leases);
  }

  /** Replaces the leases held in memory. */
  // deno-lint-ignore require-await -- a rejection, not a synchronous throw
  async persistLeases(
    leases: readonly LeaseRecord[],
    epoch: Epoch,
    _options?: DriverCallOptions,
  ): Promise<void> {
    this.#checkEpoch(epoch);
    this.#leases = leases;
  }

  #checkEpoch(epoch: Epoch): void {
    if (epoch < this.#fence) throw new FencedError(epoch, this.#fence);
    this.#fence = epoch;
  }
}

function checkMaxSequenceKeys(maxSequenceKeys: number): void {
  if (Number.isSafeInteger(maxSequenceKeys) && maxSequenceKeys >= 1) return;
  throw new RangeError(
    `Cannot make a driver as 'maxSequenceKeys' must be a whole number from 1 to ${Number.MAX_SAFE_INTEGER}: current value is ${maxSequenceKeys}`,
  );
}
