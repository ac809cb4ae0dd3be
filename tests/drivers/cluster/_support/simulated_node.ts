// SPDX-License-Identifier: Apache-2.0

import type { LeaderEvent, LeadershipEvent } from "../../../../src/consensus/driver.ts";
import type { Clock } from "../../../../src/core/clock.ts";
import { ClusterDriver } from "../../../../src/drivers/cluster/driver.ts";
import type { ClusterStore } from "../../../../src/drivers/cluster/store.ts";
import { ManualClock } from "../../../../src/testing/manual_clock.ts";
import type { SimulatedEngine } from "./simulated_engine.ts";
import { SimulatedLink } from "./simulated_link.ts";
import type { Journey } from "./simulated_link.ts";
import { SimulatedStore } from "./simulated_store.ts";
import type { StoreMethod } from "./simulated_store.ts";

/** Keeps a reading of one node's monotonic clock from being mistaken for another's. */
const MONOTONIC_APART_MS = 1e7;

/** What a process does: it runs, was sent SIGSTOP, or its machine sleeps. */
export type ProcessState = "running" | "stopped" | "suspended";

/** What a {@linkcode SimulatedNode} works with. */
export interface SimulatedNodeOptions {
  readonly number: number;
  readonly engine: SimulatedEngine;
  readonly trueTime: Clock;
  readonly leaseMs: number;
  /** Milliseconds of its clocks per millisecond of true time. */
  readonly rate: number;
  /** Decides on each exchange. */
  readonly plan: (method: StoreMethod) => Journey;
  readonly newsMs: () => number;
  /** Puts something between the driver and its store, such as a flaw. */
  readonly wrap?: ((store: ClusterStore, clock: ManualClock) => ClusterStore) | undefined;
  /** Called with each event of the driver. */
  readonly onEvent: (node: SimulatedNode, event: LeadershipEvent) => void;
}

/** A process with clocks of its own, a link of its own, and a real driver. */
export class SimulatedNode {
  readonly number: number;
  readonly rate: number;
  readonly clock: ManualClock;
  readonly link: SimulatedLink;
  readonly driver: ClusterDriver;
  /** Every leadership that the driver has announced. */
  readonly leaderships: LeaderEvent[] = [];
  /** The latest event. */
  event: LeadershipEvent = { kind: "unknown" };
  /** What ended the stream, if not its signal. */
  fault: unknown;
  state: ProcessState = "running";
  readonly #stop = new AbortController();
  readonly #reading: Promise<void>;

  constructor(options: SimulatedNodeOptions) {
    const { number, engine, trueTime, leaseMs, rate, plan, newsMs, wrap, onEvent } = options;
    const monotonicMs = (number + 1) * MONOTONIC_APART_MS;
    const clock = new ManualClock({ monotonicMs });
    this.number = number;
    this.rate = rate;
    this.clock = clock;
    this.link = new SimulatedLink({ trueTime, plan, newsMs });
    const plain = new SimulatedStore({ engine, clock, link: this.link });
    const store = wrap?.(plain, clock) ?? plain;
    const endpoint = { host: `node-${number}.example`, port: 50_551 };
    this.driver = new ClusterDriver({ store, endpoint, leaseMs, clock, callTimeoutMs: 2_000 });
    this.#reading = this.#read(onEvent);
  }

  /** The epochs under which this node may grant at this moment. */
  get certainEpochs(): bigint[] {
    const nowMs = this.clock.monotonicMs();
    return this.leaderships
      .filter(({ certainUntil }) => certainUntil === undefined || nowMs < certainUntil())
      .map(({ epoch }) => epoch);
  }

  /** Lets its clocks run on for a stretch of true time, without anybody noticing. */
  elapse(trueMs: number): void {
    if (this.state === "suspended") this.clock.jumpTo(this.clock.nowMs() + Math.round(trueMs));
    else this.clock.pause(trueMs * this.rate);
  }

  /** Runs what has fallen due. */
  async run(): Promise<void> {
    // A little ahead, as the sum of many steps is not exact.
    if (this.state === "running") await this.clock.advance(1e-6);
  }

  /** Stops the process, or sends its machine to sleep. */
  pause(state: ProcessState): void {
    this.state = state;
    if (state === "running") this.link.thaw();
    else this.link.freeze();
  }

  /** How long until something falls due, in milliseconds of true time. */
  get nextDueMs(): number {
    const { nextDueMs } = this.clock;
    if (this.state !== "running" || nextDueMs === undefined) return Infinity;
    return Math.max(0, (nextDueMs - this.clock.monotonicMs()) / this.rate);
  }

  /** Whether it was told to end. */
  get hasLeft(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Ends the stream in order; the term is given up in the background. */
  leave(): void {
    this.#stop.abort(new Error("the node leaves"));
  }

  /** Waits until driver and stream have ended. */
  async ended(): Promise<void> {
    this.leave();
    await Promise.all([this.driver.close(), this.#reading]);
  }

  async #read(onEvent: SimulatedNodeOptions["onEvent"]): Promise<void> {
    const { signal } = this.#stop;
    try {
      for await (const event of this.driver.leadershipEvents({ signal })) {
        this.event = event;
        if (event.kind === "leader") this.leaderships.push(event);
        onEvent(this, event);
      }
    } catch (error) {
      if (!signal.aborted) this.fault = error;
    }
  }
}
