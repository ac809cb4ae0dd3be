// SPDX-License-Identifier: Apache-2.0

import { TransientError, UnavailableError } from "../../../../src/consensus/errors.ts";
import type { Clock } from "../../../../src/core/clock.ts";
import { deferred } from "../../../../src/core/deferred.ts";
import type { Deferred } from "../../../../src/core/deferred.ts";
import type { Standing, StandingNews } from "../../../../src/drivers/cluster/store.ts";
import type { SimulatedEngine } from "./simulated_engine.ts";
import type { StoreMethod } from "./simulated_store.ts";

/** How long each half of an exchange takes, in milliseconds of true time; `Infinity`: it is lost. */
export interface Journey {
  readonly requestMs: number;
  readonly answerMs: number;
  /** What the node is told instead of waiting: the connection broke at once. The message still travels. */
  readonly fault?: "transient" | "unavailable";
}

const AT_ONCE: Journey = { requestMs: 0, answerMs: 0 };

/** Options of {@linkcode SimulatedLink}. */
export interface SimulatedLinkOptions {
  /** True time. Absent: every message arrives at once or never. */
  readonly trueTime?: Clock;
  /** Decides on each exchange. Absent: all arrive at once. */
  readonly plan?: (method: StoreMethod) => Journey;
  /** How long news of the watch are under way, in milliseconds. */
  readonly newsMs?: () => number;
}

/** The way between one node and the engine. */
export class SimulatedLink {
  /** Decides on the next exchanges. */
  plan: (method: StoreMethod) => Journey;
  /** What was sent, in its order. */
  readonly sent: StoreMethod[] = [];
  readonly #trueTime: Clock | undefined;
  readonly #newsMs: () => number;
  readonly #watches = new Set<SimulatedWatch>();
  #isCut = false;
  #gate: Deferred<void> | undefined;
  #reset: Deferred<never> = deferred<never>();

  constructor({ trueTime, plan = () => AT_ONCE, newsMs = () => 0 }: SimulatedLinkOptions = {}) {
    this.#trueTime = trueTime;
    this.plan = plan;
    this.#newsMs = newsMs;
    this.#reset.promise.catch(() => {});
  }

  /** Whether messages get through. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** Loses all messages from now on, those under way included. */
  cut(): void {
    this.#isCut = true;
    for (const watch of this.#watches) watch.break();
  }

  /** Lets messages through again. Watches find that they have missed something. */
  mend(): void {
    this.#isCut = false;
    for (const watch of this.#watches) watch.resume();
  }

  /** Loses news of the watches and tells so at once. */
  interruptWatches(): void {
    for (const watch of this.#watches) {
      watch.break();
      if (!this.#isCut) watch.resume();
    }
  }

  /** Breaks the connection once: what is under way fails, though it may be done. */
  reset(): void {
    const { reject } = this.#reset;
    this.#reset = deferred<never>();
    this.#reset.promise.catch(() => {});
    reject(new TransientError("the connection was reset"));
    this.interruptWatches();
  }

  /** The process stands still: answers and news wait until {@linkcode thaw}. */
  freeze(): void {
    this.#gate ??= deferred<void>();
  }

  /** The process goes on. */
  thaw(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  /** Sends a request whose answer comes if it comes. */
  async send<T>(method: StoreMethod, act: () => T): Promise<T> {
    this.sent.push(method);
    const { requestMs, answerMs, fault } = this.plan(method);
    const exchange = Promise.race([
      this.#exchange(act, requestMs, answerMs),
      this.#reset.promise,
    ]);
    if (fault === undefined) return await exchange;
    exchange.catch(() => {});
    if (fault === "unavailable") throw new UnavailableError(`${method}: not sent`);
    throw new TransientError(`${method}: the connection broke`);
  }

  /** Watches the leadership. */
  watch(engine: SimulatedEngine, put: (news: StandingNews) => void): () => void {
    const travel = async (news: StandingNews, isWanted: () => boolean) => {
      await this.#pass(this.#newsMs());
      await this.#arrival();
      if (isWanted()) put(news);
    };
    const watch = new SimulatedWatch(engine, travel);
    this.#watches.add(watch);
    if (!this.#isCut) watch.resume();
    return () => {
      this.#watches.delete(watch);
      watch.break();
    };
  }

  async #exchange<T>(act: () => T, requestMs: number, answerMs: number): Promise<T> {
    await this.#pass(requestMs);
    const outcome = settled(act);
    await this.#pass(answerMs);
    await this.#arrival();
    return outcome();
  }

  async #pass(ms: number): Promise<void> {
    if (this.#isCut || ms === Infinity) await lost();
    if (ms > 0) await this.#trueTime?.delay(ms);
    if (this.#isCut) await lost();
  }

  async #arrival(): Promise<void> {
    while (this.#gate !== undefined) await this.#gate.promise;
  }
}

type Travel = (news: StandingNews, isWanted: () => boolean) => Promise<void>;

/** A watch, connected anew each time that it was broken. */
class SimulatedWatch {
  readonly #engine: SimulatedEngine;
  readonly #travel: Travel;
  #connection: symbol | undefined;
  readonly #listener = (standing: Standing) => this.#put({ kind: "standing", standing });

  constructor(engine: SimulatedEngine, travel: Travel) {
    this.#engine = engine;
    this.#travel = travel;
  }

  /** Connects, which is told as a gap. */
  resume(): void {
    if (this.#connection !== undefined) return;
    this.#connection = Symbol();
    this.#engine.listeners.add(this.#listener);
    this.#put({ kind: "gap", cause: "connected" });
  }

  /** Loses the news that are under way and those to come. */
  break(): void {
    this.#connection = undefined;
    this.#engine.listeners.delete(this.#listener);
  }

  #put(news: StandingNews): void {
    const connection = this.#connection;
    void this.#travel(news, () => this.#connection === connection);
  }
}

function settled<T>(act: () => T): () => T {
  try {
    const value = act();
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

function lost(): Promise<never> {
  return new Promise(() => {});
}
