// SPDX-License-Identifier: Apache-2.0

import type { LeaderEvent, LeadershipEvent } from "../../../../src/consensus/driver.ts";
import type {
  DriverCounterName,
  DriverHistogramName,
  DriverMetrics,
} from "../../../../src/consensus/driver_metrics.ts";
import { ClusterDriver } from "../../../../src/drivers/cluster/driver.ts";
import type { ClusterDriverOptions } from "../../../../src/drivers/cluster/options.ts";
import { ManualClock, settle } from "../../../../src/testing/manual_clock.ts";
import { SimulatedEngine } from "./simulated_engine.ts";
import { SimulatedLink } from "./simulated_link.ts";
import type { Journey } from "./simulated_link.ts";
import { SimulatedStore } from "./simulated_store.ts";
import type { StoreMethod } from "./simulated_store.ts";

/** The lease of the rigs, whose lengths are round: certain for 950 ms, silent for 1_050, a heartbeat each 250. */
export const LEASE_MS = 1_000;

/** Counts what it is told. */
export class CountingMetrics implements DriverMetrics {
  readonly counts = new Map<DriverCounterName, number>();
  readonly durations: { readonly name: DriverHistogramName; readonly seconds: number }[] = [];

  count(name: DriverCounterName, by: number): void {
    this.counts.set(name, this.total(name) + by);
  }

  observe(name: DriverHistogramName, seconds: number): void {
    this.durations.push({ name, seconds });
  }

  total(name: DriverCounterName): number {
    return this.counts.get(name) ?? 0;
  }
}

/** One node on a simulated engine, whose clock and link a test moves. */
export class DriverRig implements AsyncDisposable {
  readonly engine: SimulatedEngine;
  readonly clock: ManualClock;
  readonly link: SimulatedLink;
  readonly metrics = new CountingMetrics();
  readonly driver: ClusterDriver;
  /** Every event since the start. */
  readonly events: LeadershipEvent[] = [];
  /** What ended the stream. */
  end: unknown;
  #stop = new AbortController();
  #reading: Promise<void> = Promise.resolve();

  constructor(options: Partial<ClusterDriverOptions> & {
    readonly engine?: SimulatedEngine;
    readonly clock?: ManualClock;
    readonly host?: string;
  } = {}) {
    const { engine = new SimulatedEngine(), clock = new ManualClock(), host = "a", ...rest } =
      options;
    this.engine = engine;
    this.clock = clock;
    this.link = new SimulatedLink({ trueTime: clock });
    this.driver = new ClusterDriver({
      store: new SimulatedStore({ engine, clock, link: this.link }),
      endpoint: { host, port: 1 },
      leaseMs: LEASE_MS,
      callTimeoutMs: 4_000,
      clock,
      metrics: this.metrics,
      ...rest,
    });
  }

  /** Another node on the same engine and the same clock. */
  beside(host: string): DriverRig {
    return new DriverRig({ engine: this.engine, clock: this.clock, host });
  }

  /** The latest event. */
  get event(): LeadershipEvent | undefined {
    return this.events.at(-1);
  }

  /** What the latest event says of this node. */
  state(): LeadershipEvent["kind"] | undefined {
    return this.event?.kind;
  }

  /** The latest leadership of this node. */
  get leadership(): LeaderEvent {
    const event = this.events.findLast(({ kind }) => kind === "leader");
    if (event?.kind !== "leader") throw new Error("this node has never led");
    return event;
  }

  /** How long the latest leadership is certain, in milliseconds from now. */
  get certainMs(): number {
    return (this.leadership.certainUntil?.() ?? Infinity) - this.clock.monotonicMs();
  }

  /** Starts to read the events. */
  async join(): Promise<this> {
    const { signal } = this.#stop;
    this.#reading = this.#read(signal);
    await settle();
    return this;
  }

  /** Ends the stream. */
  leave(): void {
    this.#stop.abort(new Error("left"));
    this.#stop = new AbortController();
  }

  /** Lets time pass for all rigs that share the clock. */
  async pass(ms: number): Promise<void> {
    await settle(200);
    await this.clock.advance(ms);
    await settle(200);
  }

  /** Decides on the exchanges of one method; all others arrive at once. */
  plan(method: StoreMethod, journey: Journey): void {
    const { plan } = this.link;
    this.link.plan = (each) => each === method ? journey : plan(each);
  }

  /** All messages arrive at once again. */
  planNothing(): void {
    this.link.plan = () => ({ requestMs: 0, answerMs: 0 });
  }

  /** How often a method was called. */
  calls(method: StoreMethod): number {
    return this.link.sent.filter((each) => each === method).length;
  }

  /** Closes the driver, moving the clock until it has ended. */
  async close(): Promise<void> {
    this.leave();
    this.link.thaw();
    let isOver = false;
    const end = Promise.all([this.driver.close(), this.#reading]).then(() => isOver = true);
    while (!isOver) await this.pass(50);
    await end;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #read(signal: AbortSignal): Promise<void> {
    try {
      for await (const event of this.driver.leadershipEvents({ signal })) this.events.push(event);
      this.end = "done";
    } catch (error) {
      this.end = error;
    }
  }
}

/** A message whose request is done and whose answer never comes. */
export const UNANSWERED: Journey = { requestMs: 0, answerMs: Infinity };

/** A message that never arrives. */
export const LOST: Journey = { requestMs: Infinity, answerMs: 0 };
