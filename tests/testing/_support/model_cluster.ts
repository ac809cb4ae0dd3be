// SPDX-License-Identifier: Apache-2.0

import type {
  DriverCallOptions,
  FollowerEvent,
  LeadershipEvent,
} from "../../../src/consensus/driver.ts";
import { TransientError } from "../../../src/consensus/errors.ts";
import { abortable, orAborted } from "../../../src/core/abortable.ts";
import { deferred } from "../../../src/core/deferred.ts";
import type { Epoch } from "../../../src/core/epoch.ts";
import type { LeaseRecord } from "../../../src/core/lease_table.ts";
import type { SequenceRequest } from "../../../src/core/sequence.ts";
import { MemoryDriver } from "../../../src/drivers/memory/driver.ts";
import type { MemoryDriverOptions } from "../../../src/drivers/memory/driver.ts";
import type { DriverHarness } from "../../../src/testing/conformance/driver_harness.ts";
import { ManualClock, settle } from "../../../src/testing/manual_clock.ts";

const LEASE_MS = 1_000;
const MARGIN_MS = 50;
/** After which silence of the leader another takes its place. */
export const SILENCE_MS: number = LEASE_MS + MARGIN_MS;
const INCARNATION: Epoch = 7n << 64n;

/** Turns of the event loop's microtasks from a node to the engine. */
const THERE_TURNS = 2;
/** And back: a fault that comes in between loses the answer of a question that was acted upon. */
const BACK_TURNS = 10;
const FAULT_TURNS = 5;

/** An engine in memory that elects one of its nodes, with a clock that moves only while one is silenced. */
export class ModelCluster {
  readonly clock: ManualClock;
  readonly store: MemoryDriver;
  readonly nodes: Set<ModelNode> = new Set();
  /** The epoch of the latest term. */
  epoch: Epoch = INCARNATION;
  leader: ModelNode | "elsewhere" | undefined;
  #news = deferred<void>();

  constructor(clock: ManualClock, content: MemoryDriverOptions = {}) {
    this.clock = clock;
    this.store = new MemoryDriver({ ...content, initial: { kind: "unknown" } });
  }

  /** Lets the first that wishes to lead, if nobody does. */
  elect(): void {
    if (this.leader !== undefined) return;
    const next = [...this.nodes].find((node) => node.isCandidate);
    if (next !== undefined) this.begin(next);
  }

  begin(leader: ModelNode | "elsewhere"): void {
    this.epoch++;
    const fences = leader === "elsewhere" || leader.isFencing;
    if (fences) this.store.announce({ kind: "follower", leaderEpoch: this.epoch });
    this.leader = leader;
    for (const node of this.nodes) node.learn();
    this.#news.resolve();
    this.#news = deferred<void>();
  }

  /** Ends the term of a node, if it has one. */
  release(node: ModelNode): void {
    if (this.leader !== node) return;
    this.leader = undefined;
    this.elect();
  }

  async untilLed(signal: AbortSignal): Promise<void> {
    while (this.leader === undefined && !signal.aborted) {
      await orAborted(abortable(this.#news.promise, signal), signal);
    }
  }
}

/** A driver that keeps the whole contract. The broken ones break one part of it each. */
export class ModelNode extends MemoryDriver {
  readonly cluster: ModelCluster;
  /** Whether the engine does not answer this node. */
  isSilenced = false;
  /** Whether its election overtakes older epochs, as it has to. */
  isFencing = true;
  hasResigned = false;
  certainUntilMs = -Infinity;
  #streams = 0;
  #connection = new AbortController();

  constructor(cluster: ModelCluster) {
    super({ initial: { kind: "unknown" } });
    this.cluster = cluster;
    cluster.nodes.add(this);
  }

  get isCandidate(): boolean {
    return this.#streams > 0 && !this.isSilenced && !this.hasResigned;
  }

  /** Begins to campaign, and steps down when the stream ends. */
  override leadershipEvents(
    options: { readonly signal: AbortSignal },
  ): AsyncGenerator<LeadershipEvent> {
    const { signal } = options;
    if (!signal.aborted) this.#campaign(signal);
    return super.leadershipEvents(options);
  }

  #campaign(signal: AbortSignal): void {
    this.#streams++;
    signal.addEventListener("abort", () => {
      this.#streams--;
      if (this.cluster.leader === this) this.announce({ kind: "unknown" });
      this.cluster.release(this);
    }, { once: true });
    settle(1).then(() => this.cluster.elect());
  }

  /** How long a heartbeat makes certain. */
  certainForMs(): number {
    return LEASE_MS - MARGIN_MS;
  }

  /** Hears from the engine who leads; the leader beats. */
  learn(): void {
    const { leader, clock, epoch } = this.cluster;
    if (this.isSilenced || leader === undefined) return;
    if (leader !== this) return this.announce(this.followerEvent(epoch));
    this.certainUntilMs = clock.monotonicMs() + this.certainForMs();
    this.announce({ kind: "leader", epoch, certainUntil: () => this.certainUntilMs });
  }

  followerEvent(leaderEpoch: Epoch): FollowerEvent {
    return { kind: "follower", leaderEpoch };
  }

  /** Loses its connection, once. */
  fault(): void {
    this.#connection.abort(this.faultError());
    this.#connection = new AbortController();
  }

  faultError(): Error {
    return new TransientError("the connection was lost");
  }

  /** What becomes of a question that nobody answers. */
  unanswered(): Promise<never> {
    return Promise.reject(new TransientError("the engine did not answer"));
  }

  /** Asks the engine. */
  async ask<T>(question: () => Promise<T>, options: DriverCallOptions = {}): Promise<T> {
    options.signal?.throwIfAborted();
    const { signal } = this.#connection;
    await abortable(settle(THERE_TURNS), signal);
    options.signal?.throwIfAborted();
    if (this.isSilenced) return await this.unanswered();
    const answer = await question();
    await abortable(settle(BACK_TURNS), signal);
    if (this.isSilenced) return await this.unanswered();
    return answer;
  }

  override loadHighWater(options?: DriverCallOptions): Promise<number> {
    return this.ask(() => this.cluster.store.loadHighWater(), options);
  }

  override persistHighWater(
    atLeastMs: number,
    epoch: Epoch,
    options?: DriverCallOptions,
  ): Promise<number> {
    return this.ask(() => this.cluster.store.persistHighWater(atLeastMs, epoch), options);
  }

  override loadDenseSeq(key: string, options?: DriverCallOptions): Promise<bigint> {
    return this.ask(() => this.cluster.store.loadDenseSeq(key), options);
  }

  override advanceDenseBatch(
    requests: readonly SequenceRequest[],
    epoch: Epoch,
    options?: DriverCallOptions,
  ): Promise<readonly bigint[]> {
    return this.ask(() => this.cluster.store.advanceDenseBatch(requests, epoch), options);
  }

  override loadLeases(options?: DriverCallOptions): Promise<readonly LeaseRecord[]> {
    return this.ask(() => this.cluster.store.loadLeases(), options);
  }

  override persistLeases(
    leases: readonly LeaseRecord[],
    epoch: Epoch,
    options?: DriverCallOptions,
  ): Promise<void> {
    return this.ask(() => this.cluster.store.persistLeases(leases, epoch), options);
  }

  async resign(options: { readonly signal: AbortSignal }): Promise<boolean> {
    const { cluster } = this;
    this.hasResigned = true;
    this.certainUntilMs = -Infinity;
    cluster.release(this);
    await cluster.untilLed(options.signal);
    return cluster.leader !== undefined;
  }
}

/** Silences the engine to a node for more than a lease; another takes its place if there is one. */
async function silence(node: ModelNode): Promise<() => Promise<void>> {
  const { cluster } = node;
  await settle(FAULT_TURNS);
  node.isSilenced = true;
  cluster.clock.pause(SILENCE_MS);
  if ([...cluster.nodes].some(({ isCandidate }) => isCandidate)) cluster.release(node);
  return () => {
    node.isSilenced = false;
    node.learn();
    return Promise.resolve();
  };
}

/** Gets at nodes of a class with everything that the suite can ask for. */
export function modelHarness(Node: new (cluster: ModelCluster) => ModelNode = ModelNode) {
  const clock = new ManualClock();
  const close = ({ cluster }: ModelNode, node: ModelNode) => {
    cluster.nodes.delete(node);
    cluster.release(node);
    return Promise.resolve();
  };
  return {
    clock,
    open: () => Promise.resolve(new Node(new ModelCluster(clock))),
    openWith: (content) => Promise.resolve(new Node(new ModelCluster(clock, content))),
    close: (node) => close(node, node),
    reopen: async (node) => {
      await close(node, node);
      return new Node(node.cluster);
    },
    standby: ({ cluster }) => Promise.resolve(new Node(cluster)),
    supersede: ({ cluster }) => Promise.resolve(cluster.begin("elsewhere")),
    silence,
    fault: async (node) => {
      await settle(FAULT_TURNS);
      node.fault();
    },
  } satisfies DriverHarness<ModelNode>;
}
