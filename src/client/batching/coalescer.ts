// SPDX-License-Identifier: Apache-2.0

import type { Clock } from "../../core/clock.ts";
import { MAX_COUNT } from "../../core/timestamp.ts";
import type { CallEnd } from "../calls/call_end.ts";
import { Batch } from "./batch.ts";
import { Deadline } from "./deadline.ts";
import { Timeouts } from "./timeouts.ts";
import { TsoClientError } from "../errors.ts";
import type { BatchGrant, CallContext } from "../grants.ts";
import type { ClientMetrics } from "../metrics.ts";
import type { ClientCallOptions } from "../options.ts";

/** Asks a leader for timestamps: a `LeaderCaller`. */
export interface TimestampSource {
  /** Asks for `count` timestamps. */
  getTs(count: number, call: CallContext): Promise<BatchGrant>;
}

/** What a {@linkcode Coalescer} works with; the part of the client's settings that it needs. */
export interface CoalescerOptions {
  /** Where the timestamps come from. */
  readonly source: TimestampSource;
  /** Most batches under way, at least 1. */
  readonly maxInFlight: number;
  /** Most callers in batches that have not left, at least 1. */
  readonly maxQueued: number;
  /** The longest that a caller without a limit of its own waits, in milliseconds. */
  readonly timeoutMs: number;
  /** Where time comes from. */
  readonly clock: Clock;
  /** Where to report to. */
  readonly metrics: ClientMetrics;
}

/** A caller's place in the answer of its batch. */
export interface Share {
  /** The block of the whole batch. */
  readonly block: BatchGrant;
  /** Index of the caller's first timestamp in it. */
  readonly offset: number;
}

/**
 * The part of the deadline that a waiting batch may use up before it takes no more callers. They share the
 * deadline of the first of them, so each gets between nine tenths of its time and all of it.
 */
const OPEN_FRACTION = 0.1;

/** How much too early a timer of the runtimes may fire, measured with the monotonic clock: it rounds. */
const TIMER_EARLY_MS = 2;

/**
 * Gathers callers into batches (behaviour.md 6.2, DESIGN.md invariant 8).
 *
 * A batch leaves one microtask after its first caller while fewer than `maxInFlight` are under way, so that
 * callers released together travel together; otherwise as soon as one of those has been answered. Nothing
 * is kept for later: an answer is as long as its request and belongs to callers that joined before the
 * request was made.
 */
export class Coalescer {
  readonly #options: CoalescerOptions;
  readonly #timeouts: Timeouts;
  readonly #waiting: Batch[] = [];
  readonly #underWay = new Set<Batch>();
  readonly #depart = () => this.#sendWaiting();
  #queued = 0;
  #departing = false;
  /** Why the last request failed; undefined if it was answered. */
  #fault: unknown;
  #closed: TsoClientError | undefined;

  /** Makes a coalescer that has nothing to send. */
  constructor(options: CoalescerOptions) {
    this.#options = options;
    this.#timeouts = new Timeouts(options.clock);
  }

  /** Callers in batches that have not left. */
  get queued(): number {
    return this.#queued;
  }

  /** Batches under way. */
  get inFlight(): number {
    return this.#underWay.size;
  }

  /**
   * Puts a caller without limits of its own into a batch. Its place is `batch.count - count` of this moment.
   *
   * @param count how many timestamps it wants, 1 to 262,144
   * @returns the batch, whose `answer` it has to await
   * @throws {TsoClientError} `invalid-argument`, `queue-full` or `closed`; the other callers are not touched
   */
  join(count: number): Batch {
    if (this.#closed !== undefined) throw this.#closed;
    if (!(count >= 1 && count <= MAX_COUNT && Number.isInteger(count))) refuseCount(count);
    if (this.#queued >= this.#options.maxQueued) this.#refuseCaller();
    const last = this.#waiting[this.#waiting.length - 1];
    const batch = last !== undefined && this.#takes(last, count) ? last : this.#open();
    batch.add(count);
    this.#queued += 1;
    return batch;
  }

  /**
   * Waits as a caller that has a signal or a timeout of its own. When that is over it leaves at once, and
   * its timestamps burn. One with more time than a batch has asks again with the next batch.
   *
   * @throws the signal's reason
   * @throws {TsoClientError} `deadline-exceeded`, and what {@linkcode Coalescer.join} throws
   */
  async take(count: number, options: ClientCallOptions): Promise<Share> {
    const { timeoutMs: batchMs } = this.#options;
    const isPatient = (options.timeoutMs ?? 0) > batchMs;
    const deadline = new Deadline(options, this.#timeouts);
    try {
      for (;;) {
        const batch = this.join(count);
        const offset = batch.count - count;
        try {
          return { block: await deadline.bound(batch.answer), offset };
        } catch (error) {
          this.#leave(batch);
          if (!isPatient || deadline.isOver || !this.#isOver(batch)) {
            throw deadline.explain(error, batch.fault ?? this.#fault);
          }
        }
      }
    } finally {
      deadline.end();
    }
  }

  /** Fails all callers, those of batches under way too, and every later one. */
  close(error: TsoClientError): void {
    this.#closed ??= error;
    this.#queued = 0;
    for (const batch of [...this.#waiting.splice(0), ...this.#underWay]) batch.abandon(error);
  }

  #takes(batch: Batch, count: number): boolean {
    if (batch.count + count > MAX_COUNT) return false;
    return this.#departing || this.#ageMs(batch) <= this.#options.timeoutMs * OPEN_FRACTION;
  }

  #ageMs(batch: Batch): number {
    return this.#options.clock.monotonicMs() - batch.openedMs;
  }

  #isOver(batch: Batch): boolean {
    return this.#ageMs(batch) >= this.#options.timeoutMs - TIMER_EARLY_MS;
  }

  #open(): Batch {
    const batch = new Batch({ openedMs: this.#options.clock.monotonicMs() });
    this.#waiting.push(batch);
    this.#scheduleDeparture();
    return batch;
  }

  #scheduleDeparture(): void {
    if (this.#departing || this.#underWay.size >= this.#options.maxInFlight) return;
    this.#departing = true;
    queueMicrotask(this.#depart);
  }

  #sendWaiting(): void {
    this.#departing = false;
    while (this.#underWay.size < this.#options.maxInFlight) {
      const batch = this.#waiting.shift();
      if (batch === undefined) return;
      this.#queued -= batch.callers;
      batch.markSent();
      this.#underWay.add(batch);
      this.#report();
      this.#carry(batch);
    }
  }

  /** Takes a batch to the leader and back. Never rejects. */
  async #carry(batch: Batch): Promise<void> {
    const { count } = batch;
    try {
      const timeoutMs = this.#options.timeoutMs - this.#ageMs(batch);
      if (timeoutMs <= 0) throw this.#late();
      const block = await this.#options.source.getTs(count, new BatchCall(batch, timeoutMs));
      if (block.count !== count) throw surplus(block.count, count);
      batch.succeed(block);
      this.#fault = undefined;
    } catch (error) {
      batch.fail(error);
      this.#fault = batch.fault ?? error;
    }
    this.#underWay.delete(batch);
    this.#report();
    // Two turns: callers that were answered take their timestamps, and those who ask again join the next batch.
    await undefined;
    await undefined;
    if (this.#waiting.length > 0) this.#scheduleDeparture();
  }

  #leave(batch: Batch): void {
    if (batch.phase === "settled") return;
    batch.leave();
    this.#options.metrics.count("tsoracle.client.abandoned_callers.total", 1);
    if (batch.phase === "waiting") this.#queued -= 1;
    if (batch.callers > 0) return;
    const place = this.#waiting.indexOf(batch);
    if (place >= 0) this.#waiting.splice(place, 1);
    batch.abandon(new TsoClientError("deadline-exceeded", "every caller of the batch has left"));
  }

  #report(): void {
    this.#options.metrics.gauge("tsoracle.client.queue_depth", this.#queued);
    this.#options.metrics.gauge("tsoracle.client.in_flight", this.#underWay.size);
  }

  #late(): TsoClientError {
    const { timeoutMs } = this.#options;
    const cause = this.#fault;
    const why = cause === undefined
      ? "the requests before it were answered late; ask with getTsBatch, or raise 'maxInFlight'"
      : `the request before it failed: ${cause instanceof Error ? cause.message : String(cause)}`;
    const endpoint = cause instanceof TsoClientError ? cause.endpoint : undefined;
    return new TsoClientError(
      "deadline-exceeded",
      `Cannot ask any more: ${timeoutMs} ms have passed in the queue; ${why}`,
      { cause, endpoint },
    );
  }

  #refuseCaller(): never {
    throw new TsoClientError(
      "queue-full",
      `Cannot queue one more caller: ${this.#queued} wait already and 'maxQueued' is ` +
        `${this.#options.maxQueued}; ask with getTsBatch, slow down, or raise 'maxQueued'`,
    );
  }
}

/** The call for a batch. */
class BatchCall implements CallContext {
  readonly timeoutMs: number;
  readonly end: CallEnd;
  readonly onFault: (fault: unknown) => void;

  constructor(batch: Batch, timeoutMs: number) {
    this.timeoutMs = timeoutMs;
    this.end = batch.end;
    this.onFault = (fault) => batch.noteFault(fault);
  }

  get signal(): AbortSignal {
    return this.end.signal;
  }
}

function refuseCount(count: number): never {
  throw new TsoClientError(
    "invalid-argument",
    `Cannot ask for ${count} timestamps: the count must be a whole number from 1 to ${MAX_COUNT}`,
  );
}

function surplus(given: number, wanted: number): TsoClientError {
  return new TsoClientError(
    "bad-response",
    `Cannot use an answer of ${given} timestamps: ${wanted} were asked for, and none is ever kept`,
  );
}
