// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { Grant } from "../../src/core/allocator.ts";
import type { CounterName, HistogramName, Metrics } from "../../src/server/metrics.ts";
import type { OracleOptions } from "../../src/server/options.ts";
import { Oracle } from "../../src/server/oracle.ts";
import { ManualClock, settle } from "../../src/testing/manual_clock.ts";
import { driverWithout } from "../../src/testing/driver_without.ts";
import type { OptionalDriverMethod } from "../../src/testing/driver_without.ts";
import { ScriptedDriver } from "../../src/testing/scripted_driver.ts";
import type { ScriptedDriverOptions } from "../../src/testing/scripted_driver.ts";

/** What a rig is made with, besides the options of its oracle. */
export interface OracleRigOptions extends Partial<OracleOptions> {
  /** The high-water in the store. */
  readonly priorMaxMs?: number;
  /** What the store holds in sequences. */
  readonly store?: ScriptedDriverOptions;
  /** What the oracle's driver lacks. */
  readonly without?: readonly OptionalDriverMethod[];
}

/** Remembers everything it is told. */
export class RecordingMetrics implements Metrics {
  readonly counts = new Map<CounterName, number>();
  readonly durations: { readonly name: HistogramName; readonly seconds: number }[] = [];
  /** Runs on each count, before it is remembered. */
  onCount: ((name: CounterName) => void) | undefined;

  count(name: CounterName, by: number): void {
    this.onCount?.(name);
    this.counts.set(name, this.total(name) + by);
  }

  observe(name: HistogramName, seconds: number): void {
    this.durations.push({ name, seconds });
  }

  total(name: CounterName): number {
    return this.counts.get(name) ?? 0;
  }

  observed(name: HistogramName): number[] {
    return this.durations.filter((each) => each.name === name).map((each) => each.seconds);
  }
}

/** An oracle on a scripted driver and a manual clock. */
export class OracleRig implements AsyncDisposable {
  readonly clock = new ManualClock({ nowMs: 1_000_000 });
  readonly driver: ScriptedDriver;
  readonly metrics = new RecordingMetrics();
  readonly oracle: Oracle;

  constructor(options: OracleRigOptions = {}) {
    const { priorMaxMs = 0, store, without, ...rest } = options;
    this.driver = new ScriptedDriver(store);
    this.driver.highWaterMs = priorMaxMs;
    this.oracle = new Oracle({
      driver: without === undefined ? this.driver : driverWithout(this.driver, without),
      clock: this.clock,
      metrics: this.metrics,
      heartbeatIntervalMs: 0,
      ...rest,
    });
  }

  /** Announces a leadership and lets the fence and the first refill run. */
  async lead(epoch: bigint, certainUntil?: () => number): Promise<void> {
    this.driver.announce({ kind: "leader", epoch, certainUntil });
    await settle();
    assert.deepEqual(this.oracle.state, { kind: "serving", epoch });
  }

  /** Grants without waiting; fails the test if the call would have to wait. */
  grantNow(count = 1): Grant {
    const grant = this.oracle.getTs(count);
    assert(!(grant instanceof Promise), "the grant had to wait");
    return grant;
  }

  /** Moves the wall clock beyond the window, so that the next call has to wait for an extension. */
  outrunWindow(): void {
    this.clock.jumpTo(this.oracle.snapshot().highWaterMs + 1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.oracle.close();
  }
}

/** A promise to be settled by hand, as a hook for a scripted driver. */
export class Gate {
  readonly #opened = Promise.withResolvers<void>();

  open(): void {
    this.#opened.resolve();
  }

  fail(error: unknown): void {
    this.#opened.reject(error);
  }

  /** Waits until the gate opens. */
  pass(): Promise<void> {
    return this.#opened.promise;
  }
}
