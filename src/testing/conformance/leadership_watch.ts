// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { ConsensusDriver, LeaderEvent, LeadershipEvent } from "../../consensus/driver.ts";
import { deferred } from "../../core/deferred.ts";

/** A stream that is kept open, and what it said: a driver may step down once nobody reads it. */
export class LeadershipWatch {
  /** Every event so far. */
  readonly events: LeadershipEvent[] = [];
  readonly #stop = new AbortController();
  readonly #reading: Promise<void>;
  #news = deferred<void>();
  #fault: Error | undefined;

  /** Opens the stream. */
  constructor(driver: ConsensusDriver) {
    this.#reading = this.#read(driver);
  }

  /** The latest event; `undefined` before the first. */
  get latest(): LeadershipEvent | undefined {
    return this.events.at(-1);
  }

  /** How the stream ended by itself; `undefined` if it has not. */
  get fault(): Error | undefined {
    return this.#fault;
  }

  /** Waits until the latest event is as wished. */
  async until(isWished: (event: LeadershipEvent) => boolean): Promise<LeadershipEvent> {
    for (;;) {
      const { latest } = this;
      if (latest !== undefined && isWished(latest)) return latest;
      if (this.#fault !== undefined) throw this.#fault;
      assert.ok(!this.#stop.signal.aborted, "the stream was closed while it was waited for");
      await this.#news.promise;
    }
  }

  /** Waits until the driver leads. */
  async leader(): Promise<LeaderEvent> {
    const event = await this.until(({ kind }) => kind === "leader");
    assert.ok(event.kind === "leader");
    return event;
  }

  /** Fires the signal and waits until the stream has ended. */
  async stop(): Promise<void> {
    this.#stop.abort(new DOMException("the watch stops", "AbortError"));
    await this.#reading;
  }

  async #read(driver: ConsensusDriver): Promise<void> {
    const { signal } = this.#stop;
    try {
      const events = driver.leadershipEvents({ signal })[Symbol.asyncIterator]();
      for (;;) {
        const { done, value } = await events.next();
        if (done) break;
        this.events.push(value);
        this.#tell();
      }
      this.#end(new Error("the stream ended by itself"));
    } catch (error) {
      this.#end(new Error("the stream ended by itself with an error", { cause: error }));
    }
  }

  #end(fault: Error): void {
    if (!this.#stop.signal.aborted) this.#fault = fault;
    this.#tell();
  }

  #tell(): void {
    this.#news.resolve();
    this.#news = deferred<void>();
  }
}
