// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { ConsensusDriver, LeaderEvent, LeadershipEvent } from "../../consensus/driver.ts";
import { settle } from "../manual_clock.ts";

/** Reads a stream as the oracle does: one `next()` at a time, and no `return()`. */
export class EventReader {
  readonly #stop = new AbortController();
  readonly #events: AsyncIterator<LeadershipEvent>;

  /** Opens the stream, under a signal that has fired if `isOver`; nothing is read yet. */
  constructor(driver: ConsensusDriver, isOver = false) {
    if (isOver) this.abandon();
    this.#events = driver.leadershipEvents({ signal: this.#stop.signal })[Symbol.asyncIterator]();
  }

  /** Asks for the next event. */
  next(): Promise<IteratorResult<LeadershipEvent, undefined>> {
    return this.#events.next();
  }

  /** The first leader event from here on. */
  async leader(): Promise<LeaderEvent> {
    for (;;) {
      const { done, value } = await this.#events.next();
      assert.ok(!done, "the stream ended before this node led");
      if (value.kind === "leader") return value;
    }
  }

  /** Fires the signal and waits for the end: `done`, or the reason thrown, after what was queued. */
  async stop(pending?: Promise<IteratorResult<LeadershipEvent, undefined>>): Promise<void> {
    this.abandon();
    try {
      let result = await (pending ?? this.#events.next());
      for (let queued = 0; !result.done && queued < 1_000; queued++) {
        result = await this.#events.next();
      }
      assert.ok(result.done, "the stream went on after its signal had fired");
    } catch (error) {
      if (error !== this.#stop.signal.reason) throw error;
    }
  }

  /** Fires the signal and does not wait for the end. */
  abandon(): void {
    this.#stop.abort(new DOMException("the reader stops", "AbortError"));
  }
}

/** Whether a promise settles without waiting for anything outside the process. */
export async function isReady(promise: Promise<unknown>): Promise<boolean> {
  let ready = false;
  const mark = () => {
    ready = true;
  };
  promise.then(mark, mark);
  await settle();
  return ready;
}
