// SPDX-License-Identifier: Apache-2.0

import { PermanentError, TransientError } from "../../../../src/consensus/errors.ts";
import { abortable } from "../../../../src/core/abortable.ts";
import type { Clock } from "../../../../src/core/clock.ts";
import { deferred } from "../../../../src/core/deferred.ts";
import type { Epoch } from "../../../../src/core/epoch.ts";
import type {
  Claim,
  ClusterStore,
  LeaseWrite,
  RestoredStore,
  SequenceWrite,
  Standing,
  StandingNews,
  StoreCallOptions,
  StoredLeases,
  StoredSequences,
  SwapOutcome,
} from "../../../../src/drivers/cluster/store.ts";
import { within } from "../../../../src/drivers/cluster/within.ts";
import type { SimulatedEngine } from "./simulated_engine.ts";
import { SimulatedLink } from "./simulated_link.ts";

/** What a {@linkcode SimulatedStore} works with. */
export interface SimulatedStoreOptions {
  readonly engine: SimulatedEngine;
  /** The clock of the node, for its timeouts. */
  readonly clock: Clock;
  /** Absent: messages arrive at once. */
  readonly link?: SimulatedLink;
}

/** One node's client of a {@linkcode SimulatedEngine}, at the end of a link that does as it is told. */
export class SimulatedStore implements ClusterStore {
  readonly #engine: SimulatedEngine;
  readonly #clock: Clock;
  readonly #ended = new AbortController();
  /** The way to the engine. */
  readonly link: SimulatedLink;

  constructor({ engine, clock, link = new SimulatedLink() }: SimulatedStoreOptions) {
    this.#engine = engine;
    this.#clock = clock;
    this.link = link;
  }

  /** Whether it was closed. */
  get isClosed(): boolean {
    return this.#ended.signal.aborted;
  }

  prepare(options: StoreCallOptions): Promise<void> {
    return this.#call("prepare", () => {}, options);
  }

  readStanding(options: StoreCallOptions): Promise<Standing> {
    return this.#call("readStanding", () => this.#engine.standing, options);
  }

  async *watchStanding(
    { signal }: { readonly signal: AbortSignal },
  ): AsyncGenerator<StandingNews, never, undefined> {
    const queue: StandingNews[] = [];
    let wake = deferred<void>();
    const put = (news: StandingNews) => {
      queue.push(news);
      wake.resolve();
      wake = deferred<void>();
    };
    const stop = this.link.watch(this.#engine, put);
    try {
      for (;;) {
        signal.throwIfAborted();
        const news = queue.shift();
        if (news !== undefined) yield news;
        else await abortable(wake.promise, signal);
      }
    } finally {
      stop();
    }
  }

  takeOver(
    seen: Standing,
    claim: Claim,
    options: StoreCallOptions,
  ): Promise<Standing | undefined> {
    return this.#call("takeOver", () => this.#engine.takeOver(seen, claim), options);
  }

  beat(epoch: Epoch, options: StoreCallOptions): Promise<void> {
    return this.#call("beat", () => this.#engine.beat(epoch), options);
  }

  resign(epoch: Epoch, options: StoreCallOptions): Promise<void> {
    return this.#call("resign", () => this.#engine.resign(epoch), options);
  }

  loadHighWater(options: StoreCallOptions): Promise<number> {
    return this.#call("loadHighWater", () => this.#engine.highWaterMs, options);
  }

  persistHighWater(atLeastMs: number, epoch: Epoch, options: StoreCallOptions): Promise<number> {
    const act = () => this.#engine.persistHighWater(atLeastMs, epoch);
    return this.#call("persistHighWater", act, options);
  }

  loadSequence(key: string, options: StoreCallOptions): Promise<bigint> {
    const act = () => this.#engine.sequences.counters.get(key) ?? 0n;
    return this.#call("loadSequence", act, options);
  }

  readSequences(options: StoreCallOptions): Promise<StoredSequences> {
    return this.#call("readSequences", () => this.#engine.sequences, options);
  }

  writeSequences(
    write: SequenceWrite,
    epoch: Epoch,
    options: StoreCallOptions,
  ): Promise<SwapOutcome> {
    // It may arrive when the caller has changed its counters.
    const sent = { ...write, moved: new Map(write.moved), counters: new Map(write.counters) };
    return this.#call("writeSequences", () => this.#engine.writeSequences(sent, epoch), options);
  }

  readLeases(options: StoreCallOptions): Promise<StoredLeases> {
    return this.#call("readLeases", () => this.#engine.leases, options);
  }

  writeLeases(write: LeaseWrite, epoch: Epoch, options: StoreCallOptions): Promise<SwapOutcome> {
    return this.#call("writeLeases", () => this.#engine.writeLeases(write, epoch), options);
  }

  restore(atLeastMs: number, options: StoreCallOptions): Promise<RestoredStore> {
    return this.#call("restore", () => this.#engine.restore(atLeastMs), options);
  }

  close(): Promise<void> {
    this.#ended.abort(new PermanentError("the store is closed"));
    return Promise.resolve();
  }

  async #call<T>(method: StoreMethod, act: () => T, options: StoreCallOptions): Promise<T> {
    const { timeoutMs, signal } = options;
    this.#ended.signal.throwIfAborted();
    signal?.throwIfAborted();
    const late = () => new TransientError(`${method}: no answer within ${timeoutMs} ms`);
    const clock = this.#clock;
    const sent = this.link.send(method, act);
    const closable = abortable(sent, this.#ended.signal);
    return await within(closable, { clock, timeoutMs, late, signal });
  }
}

/** A method of the store that is one message and one answer. */
export type StoreMethod = Exclude<keyof ClusterStore, "watchStanding" | "close">;
