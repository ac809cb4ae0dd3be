// SPDX-License-Identifier: Apache-2.0

import { abortable } from "../../../src/core/abortable.ts";
import type {
  ConsensusDriver,
  DriverCallOptions,
  LeadershipEvent,
} from "../../../src/consensus/driver.ts";
import type { LeaseRecord } from "../../../src/core/lease_table.ts";
import type { SequenceRequest } from "../../../src/core/sequence.ts";
import type { Engine } from "./engine.ts";
import type { Network, Request } from "./network.ts";

/** Options of {@linkcode EngineDriver}. */
export interface EngineDriverOptions {
  /** Number of this node. */
  readonly node: number;
  /** Carries what it sends. */
  readonly network: Network;
  /** The true time, in milliseconds. */
  readonly trueMs: () => number;
  /** What the node's monotonic clock shows at true time zero. */
  readonly monotonicStartMs: number;
  /** Lease of the engine; absent: its leaders are always certain. */
  readonly leaseMs: number | undefined;
  /** Runs when the oracle asks for the high-water. */
  readonly onLoad: () => void;
  /** Runs when the oracle asks for a persist. */
  readonly onPersist: () => void;
}

/** One node's side of the made-up engine: campaigns, heartbeats, and the calls of the oracle. */
export class EngineDriver implements ConsensusDriver {
  readonly #options: EngineDriverOptions;
  /** Until when each won term is certain, in true milliseconds. */
  readonly #certain = new Map<bigint, number>();
  #outbox: LeadershipEvent[] = [];
  #stream: LeadershipEvent[] = [{ kind: "unknown" }];
  #wake = Promise.withResolvers<void>();
  #persisting = 0;
  /** Campaigns and heartbeats under way. */
  #claiming = 0;
  #hasResigned = false;
  #settled = Promise.withResolvers<void>();
  #replacements = 0;
  #highestTold = 0n;
  #last: LeadershipEvent = { kind: "unknown" };
  #lastTaken: LeadershipEvent = { kind: "unknown" };

  constructor(options: EngineDriverOptions) {
    this.#options = options;
  }

  /** The latest event that the oracle has taken from its stream, one ahead of what it handles. */
  get lastTaken(): LeadershipEvent {
    return this.#lastTaken;
  }

  /** The latest event that the oracle was given. */
  get lastEvent(): LeadershipEvent {
    return this.#last;
  }

  /** Persists, of the high-water and of leases, that the oracle has no answer to yet. */
  get persisting(): number {
    return this.#persisting;
  }

  /** Whether an event waits to be given to the oracle. */
  get hasNews(): boolean {
    return this.#outbox.length > 0;
  }

  /** True time at which certainty of `epoch` ends. */
  certainUntilTrueMs(epoch: bigint): number {
    if (this.#hasResigned) return -Infinity;
    return this.#options.leaseMs === undefined ? Infinity : this.#certain.get(epoch) ?? -Infinity;
  }

  /** Asks the engine for the leadership. */
  campaign(): void {
    if (this.#hasResigned) return;
    const { node, trueMs } = this.#options;
    const sentMs = trueMs();
    this.#send("campaign", (engine) => engine.elect(node, trueMs()), (epoch) => {
      if (epoch === undefined) return;
      this.#noteCertain(epoch, sentMs);
      this.#tellLeader(epoch);
    });
  }

  /** Renews the newest term that this node knows to have won, and may report it once more. */
  heartbeat(announce: boolean): void {
    const epoch = this.#newest;
    if (epoch === 0n || this.#hasResigned) return;
    const { trueMs } = this.#options;
    const sentMs = trueMs();
    this.#send(`heartbeat ${epoch}`, (engine) => engine.renew(epoch, trueMs()), (leads) => {
      if (!leads) return;
      this.#noteCertain(epoch, sentMs);
      if (announce) this.#tellLeader(epoch);
    });
  }

  /** Reports a leader, or that nothing is known, to this node's oracle. */
  tell(event: LeadershipEvent): void {
    const epoch = event.kind === "leader" ? event.epoch : undefined;
    const told = epoch ?? (event.kind === "follower" ? event.leaderEpoch : undefined);
    if (told !== undefined) {
      if (told < this.#highestTold) return;
      this.#highestTold = told;
    }
    this.#outbox.push(event);
  }

  /** Gives the oracle its next event. */
  deliverEvent(): LeadershipEvent | undefined {
    const event = this.#outbox.shift();
    if (event === undefined) return undefined;
    this.#last = event;
    this.#stream.push(event);
    this.#wake.resolve();
    this.#wake = Promise.withResolvers<void>();
    return event;
  }

  leadershipEvents({ signal }: { readonly signal: AbortSignal }): AsyncIterable<LeadershipEvent> {
    return { [Symbol.asyncIterator]: () => ({ next: () => this.#next(signal) }) };
  }

  loadHighWater(options: DriverCallOptions = {}): Promise<number> {
    this.#options.onLoad();
    return this.#call("load", (engine) => engine.load(), options);
  }

  persistHighWater(
    atLeastMs: number,
    epoch: bigint,
    options: DriverCallOptions = {},
  ): Promise<number> {
    this.#options.onPersist();
    const name = `persist ${atLeastMs} under ${epoch}`;
    this.#persisting++;
    return this.#call(name, (engine) => engine.persist(atLeastMs, epoch), options)
      .finally(() => this.#persisting--);
  }

  async advanceDense(
    request: SequenceRequest,
    epoch: bigint,
    options: DriverCallOptions = {},
  ): Promise<bigint> {
    const [start = -1n] = await this.advanceDenseBatch([request], epoch, options);
    return start;
  }

  advanceDenseBatch(
    requests: readonly SequenceRequest[],
    epoch: bigint,
    options: DriverCallOptions = {},
  ): Promise<readonly bigint[]> {
    const name = `advance of ${requests.map(({ key, count }) => `${key} by ${count}`)}`;
    let taken: readonly bigint[] | undefined;
    return this.#call(name, (engine) => {
      if (taken !== undefined && engine.recognisesRepeats) return taken;
      return taken = engine.advance(requests, epoch);
    }, options);
  }

  loadLeases(options: DriverCallOptions = {}): Promise<readonly LeaseRecord[]> {
    return this.#call("load of leases", (engine) => engine.loadLeases(), options);
  }

  persistLeases(
    leases: readonly LeaseRecord[],
    epoch: bigint,
    options: DriverCallOptions = {},
  ): Promise<void> {
    const number = ++this.#replacements;
    const name = `persist of ${leases.length} leases under ${epoch}`;
    this.#persisting++;
    return this.#call(name, (engine) => engine.replaceLeases({ leases, epoch, number }), options)
      .finally(() => this.#persisting--);
  }

  /** Ends certainty, waits for what is under way, writes the resignation, and waits until another node leads. */
  async resign({ signal }: { readonly signal: AbortSignal }): Promise<boolean> {
    this.#hasResigned = true;
    while (this.#claiming > 0) await abortable(this.#settled.promise, signal);
    const epoch = this.#newest;
    const { trueMs } = this.#options;
    this.#send(`resignation of ${epoch}`, (engine) => engine.resign(epoch, trueMs()), () => {});
    while (this.#last.kind !== "follower") await abortable(this.#wake.promise, signal);
    return true;
  }

  /** The newest term that this node knows to have won; 0 if none. */
  get #newest(): bigint {
    return [...this.#certain.keys()].reduce((a, b) => a > b ? a : b, 0n);
  }

  async #next(signal: AbortSignal): Promise<IteratorResult<LeadershipEvent>> {
    try {
      while (this.#stream.length === 0) await abortable(this.#wake.promise, signal);
    } catch {
      return { done: true, value: undefined };
    }
    const event = this.#stream.shift();
    if (event === undefined) return { done: true, value: undefined };
    this.#lastTaken = event;
    return { done: false, value: event };
  }

  #tellLeader(epoch: bigint): void {
    const { leaseMs, monotonicStartMs } = this.#options;
    const certainUntil = leaseMs === undefined
      ? undefined
      : () => monotonicStartMs + this.certainUntilTrueMs(epoch);
    this.tell({ kind: "leader", epoch, certainUntil });
  }

  #noteCertain(epoch: bigint, sentMs: number): void {
    const untilMs = sentMs + (this.#options.leaseMs ?? Infinity);
    this.#certain.set(epoch, Math.max(this.#certain.get(epoch) ?? -Infinity, untilMs));
  }

  #call<T>(
    name: string,
    act: (engine: Engine) => T,
    options: DriverCallOptions,
  ): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#options.network.send<T>({
      kind: "request",
      node: this.#options.node,
      name: this.#named(name),
      act,
      answer: (outcome) => outcome.ok ? resolve(outcome.value) : reject(outcome.error),
    });
    return options.signal === undefined ? promise : abortable(promise, options.signal);
  }

  #send<T>(name: string, act: Request<T>["act"], answer: (value: T) => void): void {
    this.#claiming++;
    this.#options.network.send<T>({
      kind: "request",
      node: this.#options.node,
      name: this.#named(name),
      act,
      answer: (outcome) => {
        if (outcome.ok) answer(outcome.value);
        this.#claiming--;
        this.#settled.resolve();
        this.#settled = Promise.withResolvers<void>();
      },
    });
  }

  #named(name: string): string {
    return `${name} of node ${this.#options.node}`;
  }
}
