// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { Grant } from "../../../src/core/allocator.ts";
import type { SequenceRequest } from "../../../src/core/sequence.ts";
import { settle } from "../../../src/testing/manual_clock.ts";
import { ClusterChecks } from "./cluster_checks.ts";
import { ClusterNode } from "./cluster_node.ts";
import type { ClusterOptions, OracleStep } from "./cluster_node.ts";
import type { ClusterClaim } from "./cluster_services.ts";
import { ClusterServices } from "./cluster_services.ts";
import { Engine } from "./engine.ts";
import { Ledger } from "./ledger.ts";
import { Network } from "./network.ts";
import type { Fate } from "./network.ts";

/** Names the node that leads for the engine, whoever that is. */
export const LEADER = -1;

/** Rounds that a candidate is given before it asks again: a new election would undo its fence. */
const CAMPAIGN_ROUNDS = 40;

/** Rounds in which an election and a fence are through: three round trips and an event each. */
const TAKE_OVER_ROUNDS = 12;

/** How long a hand-over may take: a few leases. */
const HAND_OVER_MS = 300;

/**
 * Real oracles on one made-up engine, in true time that only a test moves. Every message, every leadership
 * event and every pause is placed by the test; every answer is checked as soon as it is given.
 */
export class OracleCluster implements AsyncDisposable {
  /** What the callers saw. */
  readonly ledger: Ledger;
  readonly #engine: Engine;
  readonly #network: Network;
  readonly #checks: ClusterChecks;
  readonly #services: ClusterServices;
  readonly #nodes: readonly ClusterNode[];
  readonly #seen = new Set<string>();
  #trueMs = 0;
  #step = 0;
  #grants = 0;
  #waiting = 0;
  #fault: unknown;

  constructor(options: ClusterOptions) {
    const { handover, flaw, windowAheadMs } = options;
    const hasLeases = handover.kind === "lease";
    const trueMs = () => this.#trueMs;
    const onElected = (number: number, epoch: bigint) => this.#proclaim(number, epoch);
    const engine: Engine = new Engine({
      handover,
      flaw,
      onElected,
      onReplaced: (leases) =>
        this.#guard(() => services.leases.noteStored(leases, engine.highWaterMs)),
    });
    const services = new ClusterServices({
      engine,
      isStrict: hasLeases,
      follow: (settled) => this.#follow(settled),
      onSeen: (what) => void this.#seen.add(what),
    });
    const network = new Network(engine);
    const ledger = new Ledger(hasLeases);
    const checks = new ClusterChecks({
      ...{ engine, network, ledger, services, hasLeases, windowAheadMs, trueMs },
    });
    const onStep = (node: ClusterNode, step: OracleStep) =>
      this.#guard(() => checks.step(node, step));
    this.ledger = ledger;
    this.#engine = engine;
    this.#network = network;
    this.#checks = checks;
    this.#services = services;
    this.#nodes = options.skewsMs.map((_, number) =>
      new ClusterNode({ cluster: options, number, network, trueMs, onStep })
    );
  }

  /** Calls that have no answer yet. */
  get waiting(): number {
    return this.#waiting;
  }

  /** What the run has come across. */
  get seen(): ReadonlySet<string> {
    return this.#seen;
  }

  /** Asks a node for timestamps. Its answer is checked when it comes. */
  async call(number: number, count: number): Promise<string> {
    const node = this.#node(number);
    if (node.isPaused) return "paused";
    const startMs = this.#step;
    let asked: Grant | Promise<Grant>;
    try {
      asked = node.oracle.getTs(count);
    } catch (error) {
      return this.#refused(node, error, "at once");
    }
    if (!(asked instanceof Promise)) return this.#granted(node, asked, startMs);
    this.#follow(asked.then(
      (grant) => void this.#granted(node, grant, startMs),
      (error: unknown) => void this.#refused(node, error, "after a wait"),
    ));
    await this.#settle();
    return "asked";
  }

  /** Asks a node for blocks of sequences. */
  async take(number: number, requests: readonly SequenceRequest[]): Promise<void> {
    const node = this.#node(number);
    if (!node.isPaused) this.#services.take(node, requests);
    await this.#settle();
  }

  /** Asks a node for a lease. */
  async acquire(number: number, name: string, claim: ClusterClaim): Promise<void> {
    const node = this.#node(number);
    if (!node.isPaused) this.#services.acquire(node, name, claim);
    await this.#settle();
  }

  /** Asks a node for the renewal or the release of one of the leases granted so far. */
  async about(number: number, verb: "renew" | "release", pick: number): Promise<void> {
    const node = this.#node(number);
    const { ids } = this.#services.leases;
    const id = ids.at(-1 - pick % Math.max(1, ids.length));
    if (!node.isPaused && id !== undefined) this.#services[verb](node, id);
    await this.#settle();
  }

  /** Asks a node for its safe point. */
  maxSafe(number: number): string {
    const node = this.#node(number);
    return node.isPaused ? "paused" : this.#checks.safePoint(node);
  }

  /** Lets true time pass. */
  async tick(ms: number): Promise<void> {
    this.#trueMs += ms;
    for (const node of this.#nodes) await node.tick(ms);
    this.#services.noteClocks(this.#nodes);
  }

  /** Moves one node's wall clock alone. */
  jump(number: number, ms: number): void {
    const { clock } = this.#node(number);
    clock.jumpTo(Math.max(0, clock.nowMs() + ms));
  }

  /** Freezes a node, or lets it go on where it was. */
  async setPaused(number: number, isPaused: boolean): Promise<void> {
    const node = this.#node(number);
    node.isPaused = isPaused;
    await node.tick(0);
  }

  /** Lets a node ask for the leadership. */
  campaign(number: number): void {
    const { driver, isPaused } = this.#node(number);
    if (!isPaused) driver.campaign();
  }

  /** Lets a node renew its leadership, and perhaps report it once more. */
  heartbeat(number: number, announce: boolean): void {
    const { driver, isPaused } = this.#node(number);
    if (!isPaused) driver.heartbeat(announce);
  }

  /** Lets a node hand over for good; the others have to be able to go on. */
  async handOver(number: number): Promise<void> {
    const node = this.#node(number);
    if (node.isPaused) return;
    void node.oracle.handOver({ limitMs: HAND_OVER_MS }).then((isSuccessorKnown) => {
      this.#seen.add(isSuccessorKnown ? "handed over" : "handed over in vain");
    });
    await this.#settle();
  }

  /** Lets a node's driver lose sight of the engine. */
  doubt(number: number): void {
    this.#node(number).driver.tell({ kind: "unknown" });
  }

  /** Moves one message. */
  async deliver(pick: number, fate: Fate): Promise<string> {
    const moved = this.#network.deliver(pick, fate, (number) => this.#node(number).isPaused);
    await this.#settle();
    return moved;
  }

  /** Lets one request arrive that everybody has forgotten. */
  arrive(pick: number): string {
    return this.#network.arrive(pick);
  }

  /** Moves up to `count` messages, the oldest first. */
  async flow(count: number, fate: Fate = "delivered"): Promise<void> {
    for (let left = count; left > 0; left--) await this.deliver(0, fate);
  }

  /** Gives a node its next leadership event. */
  async hear(number: number): Promise<string> {
    const { driver, isPaused } = this.#node(number);
    if (isPaused) return "paused";
    const event = driver.deliverEvent();
    await this.#settle();
    return event?.kind ?? "nothing";
  }

  /**
   * Lets a node take over where nothing goes wrong: it waits for the end of the lease, is elected, hears of
   * it and passes its fence. The others need not hear of it.
   */
  async takeOver(number: number): Promise<string> {
    const { driver, oracle, isPaused } = this.#node(number);
    if (isPaused) return "paused";
    await this.tick(Math.max(0, this.#engine.expiresMs - this.#trueMs));
    driver.campaign();
    for (let round = 0; round < TAKE_OVER_ROUNDS && !oracle.isServing; round++) {
      await this.flow(this.#network.size);
      await this.hear(number);
    }
    return oracle.isServing ? "serves" : "does not serve";
  }

  /** Checks the whole history, once nothing is under way. */
  checkEnd(): void {
    this.ledger.check();
    this.#services.checkEnd();
  }

  /** Ends a step: lets reactions run and checks what has to hold at every moment. */
  async check(): Promise<void> {
    await this.#settle();
    this.#step++;
    this.#checks.moment(this.#nodes);
  }

  /**
   * Heals everything and waits until a node grants again and nobody waits. A call may wait for its grant:
   * the engine may be slower than the window.
   *
   * @param rounds how often all that is under way may be moved on
   */
  async recover(rounds: number): Promise<void> {
    for (const { number } of this.#nodes) await this.setPaused(number, false);
    let grantsBefore = Infinity;
    for (let round = 0; round < rounds; round++) {
      const isTimeToAsk = round % CAMPAIGN_ROUNDS === 0;
      await this.#moveEverything(isTimeToAsk);
      const leader = this.#nodes.find(({ oracle }) => oracle.isServing);
      if (leader === undefined && isTimeToAsk) this.campaign(0);
      if (leader !== undefined && this.#waiting === 0) {
        if (this.#grants > grantsBefore) return;
        grantsBefore = this.#grants;
        await this.call(leader.number, 1);
      }
      await this.tick(10);
      await this.check();
    }
    assert.fail(`no grant within ${rounds} rounds, ${this.#waiting} calls wait`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.#nodes.map(({ oracle }) => oracle.close());
    for (const { clock } of this.#nodes) await clock.advance(0);
    await Promise.all(closed);
    for (const { clock } of this.#nodes) assert.equal(clock.sleeping, 0, "a timer is left behind");
  }

  async #moveEverything(announce: boolean): Promise<void> {
    while (this.#network.strays > 0) this.arrive(0);
    await this.flow(this.#network.size);
    for (const { number, driver } of this.#nodes) {
      this.heartbeat(number, announce);
      while (driver.hasNews) await this.hear(number);
    }
  }

  /** Counts a call as waiting until its answer has been checked, and keeps what the check throws. */
  #follow(checked: Promise<void>): void {
    this.#waiting++;
    void checked.catch((error: unknown) => {
      this.#fault ??= error;
    }).finally(() => this.#waiting--);
  }

  #granted(node: ClusterNode, grant: Grant, startMs: number): string {
    this.#grants++;
    this.#checks.grant(node, grant);
    this.ledger.noteGrant(grant, startMs, this.#step);
    this.#seen.add(startMs === this.#step ? "granted at once" : "granted after a wait");
    if (node.number !== this.#engine.leader) this.#seen.add("granted by an overtaken leader");
    return "granted";
  }

  #refused(node: ClusterNode, error: unknown, when: string): string {
    const code = this.#checks.refusal(node, error);
    const doubt = node.oracle.state.kind === "serving" && !node.oracle.isServing ? " in doubt" : "";
    this.#seen.add(`${code}${doubt} ${when}`);
    return code;
  }

  #proclaim(winner: number, leaderEpoch: bigint): void {
    for (const { number, driver } of this.#nodes) {
      if (number !== winner) driver.tell({ kind: "follower", leaderEpoch });
    }
  }

  /** Keeps a failed check of a reaction until the step that caused it ends. */
  #guard(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#fault ??= error;
    }
  }

  async #settle(): Promise<void> {
    await settle();
    if (this.#fault !== undefined) throw this.#fault;
  }

  #node(number: number): ClusterNode {
    const node = this.#nodes[number === LEADER ? this.#engine.leader ?? 0 : number];
    assert(node !== undefined);
    return node;
  }
}
