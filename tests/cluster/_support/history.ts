// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { unpackTimestamp } from "../../../src/core/timestamp.ts";
import { HistoryChecker } from "../../../src/testing/history_checker.ts";
import type { HistoryCall } from "../../../src/testing/recorded_history.ts";
import { checkHistory } from "../../../src/testing/recorded_history.ts";
import { within } from "../../_support/server_process.ts";

const LIMIT_MS = 60_000;

/** Who makes a call. */
export interface Caller {
  /** Its name in reports. */
  readonly name: string;
  /** The one node that it asks; absent if a client of ours chooses. */
  readonly node?: number;
}

/** What a call was given. */
export interface Granted {
  /** The first packed timestamp. */
  readonly firstPacked: bigint;
  /** How many there are. */
  readonly count: number;
  /** The epoch of the leader that granted them. */
  readonly epoch: bigint;
}

/** An answered call, and who made it. */
export interface RecordedCall extends HistoryCall, Granted, Caller {}

/** A call that was given nothing. */
export interface FailedCall extends Caller {
  /** When it began, on the clock of the history. */
  readonly startMs: number;
  /** When it ended. */
  readonly endMs: number;
  /** Why. */
  readonly error: unknown;
}

interface Waiter {
  readonly isIt: (call: RecordedCall) => boolean;
  readonly resolve: (call: RecordedCall) => void;
}

/** Every call of every caller of this process, in the order in which they ended, on one monotonic clock. */
export class History {
  readonly #calls: RecordedCall[] = [];
  readonly #failures: FailedCall[] = [];
  readonly #checker = new HistoryChecker({ rememberAll: true });
  readonly #waiters = new Set<Waiter>();
  #highestEpoch = -1n;

  /** The answered calls. */
  get calls(): readonly RecordedCall[] {
    return this.#calls;
  }

  /** The calls that failed. */
  get failures(): readonly FailedCall[] {
    return this.#failures;
  }

  /** The highest epoch that any caller has seen; -1 before the first answer. */
  get highestEpoch(): bigint {
    return this.#highestEpoch;
  }

  /** The clock of the history, in milliseconds. */
  now(): number {
    return performance.now();
  }

  /** Makes a call, and records what becomes of it. */
  async record(caller: Caller, ask: () => Promise<Granted>): Promise<RecordedCall> {
    const ticket = this.#checker.begin();
    const startMs = this.now();
    let granted: Granted;
    try {
      granted = await ask();
    } catch (error) {
      this.#checker.abandon(ticket);
      this.#failures.push({ ...caller, startMs, endMs: this.now(), error });
      throw error;
    }
    const endMs = this.now();
    const { firstPacked, count, epoch } = granted;
    const first = unpackTimestamp(firstPacked);
    const last = unpackTimestamp(firstPacked + BigInt(count) - 1n);
    this.#checker.end(ticket, { first, last, length: count });
    const call = { ...caller, startMs, endMs, firstPacked, count, epoch };
    this.#calls.push(call);
    if (epoch > this.#highestEpoch) this.#highestEpoch = epoch;
    this.#tell(call);
    return call;
  }

  /**
   * Waits for the next call that is answered and is the wanted one.
   *
   * @param what is named if it does not come
   * @throws {Error} if it does not come within a minute
   */
  async next(what: string, isIt: (call: RecordedCall) => boolean): Promise<RecordedCall> {
    const { promise, resolve } = Promise.withResolvers<RecordedCall>();
    const waiter = { isIt, resolve };
    this.#waiters.add(waiter);
    try {
      return await within(promise, LIMIT_MS, () => `waited in vain for ${what}; ${this.#tail()}`);
    } finally {
      this.#waiters.delete(waiter);
    }
  }

  /**
   * Fails if a timestamp came twice, or a call that began after another had ended was not given greater ones. What
   * the callers saw is judged twice: while the calls were made, and from the records.
   */
  check(): void {
    this.checkSoFar();
    const [violation] = checkHistory(this.#calls);
    assert.equal(violation, undefined, `the records break a promise: ${Deno.inspect(violation)}`);
  }

  /** The first of the two judgements of {@linkcode check}; it costs nothing. */
  checkSoFar(): void {
    const [violation] = this.#checker.violations;
    assert.equal(violation, undefined, `the history breaks a promise: ${Deno.inspect(violation)}`);
  }

  #tell(call: RecordedCall): void {
    for (const waiter of this.#waiters) if (waiter.isIt(call)) waiter.resolve(call);
  }

  #tail(): string {
    const { name, epoch } = this.#calls.at(-1) ?? { name: "nobody", epoch: -1n };
    const failure = this.#failures.at(-1)?.error;
    return `of ${this.#calls.length} answers the last was to ${name} under ${epoch}; the last failure: ${failure}`;
  }
}
