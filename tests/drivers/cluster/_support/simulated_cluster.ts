// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { LeadershipEvent } from "../../../../src/consensus/driver.ts";
import { eventEpoch } from "../../../../src/consensus/event_epoch.ts";
import type { ClusterStore } from "../../../../src/drivers/cluster/store.ts";
import { ManualClock, settle } from "../../../../src/testing/manual_clock.ts";
import { ClusterLedger } from "./cluster_ledger.ts";
import { RandomSource } from "./random_source.ts";
import { SimulatedEngine } from "./simulated_engine.ts";
import type { Journey } from "./simulated_link.ts";
import { SimulatedNode } from "./simulated_node.ts";
import type { StoreMethod } from "./simulated_store.ts";

/** How messages fare. */
export interface Weather {
  /** Longest way of a request that arrives, in milliseconds. */
  readonly requestMs: number;
  /** Longest way of an answer that arrives, in milliseconds. */
  readonly answerMs: number;
  /** Longest way of news of a watch, in milliseconds. */
  readonly newsMs: number;
  /** Probability that a request, or its answer, is lost. */
  readonly loss: number;
  /** Probability that a request arrives when its sender has given up. */
  readonly lateness: number;
  /** Probability that a request is not sent, and that its sender is told so. */
  readonly refusal: number;
}

/** Nothing is lost, and little is late. */
export const CALM: Weather = {
  requestMs: 5,
  answerMs: 5,
  newsMs: 5,
  loss: 0,
  lateness: 0,
  refusal: 0,
};

const NOT_SENT: Journey = { requestMs: Infinity, answerMs: 0, fault: "unavailable" };

/** How often a leader uses its driver, in milliseconds. */
const USE_EVERY_MS = 40;

/** Options of {@linkcode SimulatedCluster}. */
export interface SimulatedClusterOptions {
  readonly leaseMs: number;
  /** Milliseconds of each node's clocks per millisecond of true time; one node each. */
  readonly rates: readonly number[];
  readonly seed: number;
  /** Puts something between each driver and its store, such as a flaw. */
  readonly wrap?: (store: ClusterStore, clock: ManualClock) => ClusterStore;
}

/**
 * Real drivers on one made-up engine, in true time that only a test moves. At each moment at which anything happens it
 * is checked that no two nodes may grant, that epochs grow, and that what callers were told fits what is stored.
 */
export class SimulatedCluster {
  readonly engine: SimulatedEngine = new SimulatedEngine();
  readonly ledger: ClusterLedger;
  /** How messages fare from now on. */
  weather: Weather = CALM;
  /** What was seen of the cluster's life, for tests that must not be vacuous. */
  readonly seen: Map<string, number> = new Map();
  readonly #options: SimulatedClusterOptions;
  readonly #trueTime = new ManualClock({ nowMs: 0 });
  readonly #random: RandomSource;
  readonly #nodes: SimulatedNode[] = [];
  readonly #gone: SimulatedNode[] = [];
  readonly #highestOf = new Map<SimulatedNode, bigint>();
  #highestLed = 0n;
  #made = 0;
  #nextUseMs = 0;
  #fault: unknown;

  constructor(options: SimulatedClusterOptions) {
    this.#options = options;
    this.#random = new RandomSource(options.seed);
    this.ledger = new ClusterLedger(this.engine);
    options.rates.forEach((_, slot) => this.#start(slot));
  }

  /** The nodes, by slot. */
  get nodes(): readonly SimulatedNode[] {
    return this.#nodes;
  }

  /** The node in a slot; slots are counted round and round. */
  node(slot: number): SimulatedNode {
    const node = this.#nodes[slot % this.#nodes.length];
    assert(node !== undefined);
    return node;
  }

  /** The nodes that may grant at this moment. */
  get granting(): readonly SimulatedNode[] {
    return this.#nodes.filter((node) => node.state === "running" && node.certainEpochs.length > 0);
  }

  /** Lets true time pass, from one event to the next. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.#trueTime.monotonicMs() + ms;
    for (;;) {
      await this.#runDue();
      const nowMs = this.#trueTime.monotonicMs();
      if (nowMs >= untilMs) return;
      const dueMs = (this.#trueTime.nextDueMs ?? Infinity) - nowMs;
      const stepMs = Math.min(untilMs - nowMs, dueMs, ...this.#all().map((node) => node.nextDueMs));
      this.#elapse(Math.max(stepMs, 1e-3));
    }
  }

  /** Puts a new process in the place of one, which ends in order. */
  restart(slot: number): void {
    const node = this.node(slot);
    node.pause("running");
    node.leave();
    this.#replace(slot);
  }

  /** Puts a new process in the place of one that is gone from one moment to the next. */
  crash(slot: number): void {
    const node = this.node(slot);
    node.pause("stopped");
    node.link.cut();
    this.#replace(slot);
  }

  /** Ends everything. */
  async close(): Promise<void> {
    this.weather = CALM;
    const nodes = this.#all();
    for (const node of nodes) {
      node.pause("running");
      node.link.mend();
    }
    let isOver = false;
    const ends = Promise.all(nodes.map((node) => node.ended())).then(() => isOver = true);
    for (let steps = 0; !isOver; steps++) {
      assert(steps < 10_000, "a node does not end");
      this.#elapse(10);
      await this.#runDue();
    }
    await ends;
  }

  /** Counts what has happened. */
  note(what: string): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + 1);
  }

  #all(): SimulatedNode[] {
    return [...this.#nodes, ...this.#gone];
  }

  #replace(slot: number): void {
    const index = slot % this.#nodes.length;
    this.#gone.push(this.node(slot));
    this.#start(index);
  }

  #start(slot: number): void {
    const { leaseMs, rates, wrap } = this.#options;
    this.#nodes[slot] = new SimulatedNode({
      number: this.#made++,
      engine: this.engine,
      trueTime: this.#trueTime,
      leaseMs,
      rate: rates[slot] ?? 1,
      plan: (method) => this.#journey(method),
      newsMs: () => this.#random.between(0, this.weather.newsMs),
      wrap,
      onEvent: (node, event) => this.#guard(() => this.#onEvent(node, event)),
    });
  }

  #journey(_method: StoreMethod): Journey {
    const { requestMs, answerMs, loss, lateness, refusal } = this.weather;
    const random = this.#random;
    if (random.happens(refusal)) return NOT_SENT;
    const way = (longestMs: number) =>
      random.happens(loss) ? Infinity : random.between(0, longestMs);
    return {
      requestMs: random.happens(lateness) ? random.between(200, 4_000) : way(requestMs),
      answerMs: way(answerMs),
    };
  }

  #elapse(ms: number): void {
    this.#trueTime.pause(ms);
    for (const node of this.#all()) node.elapse(ms);
  }

  async #runDue(): Promise<void> {
    await this.#trueTime.advance(1e-6);
    for (const node of this.#all()) await node.run();
    this.#use();
    await settle();
    this.#check();
  }

  /** A node that may grant uses its driver now and then. */
  #use(): void {
    const nowMs = this.#trueTime.monotonicMs();
    if (nowMs < this.#nextUseMs) return;
    this.#nextUseMs = nowMs + USE_EVERY_MS;
    for (const node of this.#nodes) {
      const { event } = node;
      if (node.state === "running" && !node.hasLeft && event.kind === "leader") {
        this.ledger.use(node.driver, event.epoch);
      }
    }
  }

  #check(): void {
    if (this.#fault !== undefined) throw this.#fault;
    const granting = this.#all().filter(({ state }) => state === "running")
      .flatMap((node) => node.certainEpochs.map((epoch) => `node ${node.number} under ${epoch}`));
    assert(granting.length <= 1, `two may grant: ${granting.join(", ")}`);
    if (granting.length === 1) this.note("moments with a leader");
    this.ledger.check();
    this.ledger.checkLeases();
    for (const node of this.#all()) {
      if (node.fault !== undefined) throw node.fault;
    }
  }

  #onEvent(node: SimulatedNode, event: LeadershipEvent): void {
    this.note(event.kind);
    const epoch = eventEpoch(event);
    if (epoch === undefined) return;
    const highest = this.#highestOf.get(node) ?? 0n;
    assert(epoch >= highest, `node ${node.number} reports ${epoch} after ${highest}`);
    this.#highestOf.set(node, epoch);
    // Who slept may hear of a term of its own when that is over, and may not grant under it.
    if (event.kind !== "leader" || !node.certainEpochs.includes(epoch)) return;
    assert(epoch > this.#highestLed, `${epoch} is led after ${this.#highestLed}`);
    this.#highestLed = epoch;
  }

  #guard(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#fault ??= error;
    }
  }
}
