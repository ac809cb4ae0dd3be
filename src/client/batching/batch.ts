// SPDX-License-Identifier: Apache-2.0

import { deferred } from "../../core/deferred.ts";
import { CallEnd } from "../calls/call_end.ts";
import type { BatchGrant } from "../grants.ts";

/** Options of a {@linkcode Batch}. */
export interface BatchOptions {
  /** When it was opened, on the monotonic clock. */
  readonly openedMs: number;
}

/**
 * Callers that travel together: one request, one promise. A caller's place in it is the count before it
 * joined; it takes its timestamps from the answer at that place.
 */
export class Batch {
  /** When it was opened, on the monotonic clock. */
  readonly openedMs: number;
  /** The granted block. Nobody has to wait for it. */
  readonly answer: Promise<BatchGrant>;
  /** Comes when nobody wants the answer any more. */
  readonly end: CallEnd = new CallEnd();
  readonly #settle = deferred<BatchGrant>();
  #count = 0;
  #callers = 0;
  #fault: unknown;
  #phase: "waiting" | "sent" | "settled" = "waiting";

  /** Opens an empty batch. */
  constructor(options: BatchOptions) {
    this.openedMs = options.openedMs;
    this.answer = this.#settle.promise;
    this.answer.catch(ignore);
  }

  /** How many timestamps its callers want, those who have left included. */
  get count(): number {
    return this.#count;
  }

  /** How many callers wait for it. */
  get callers(): number {
    return this.#callers;
  }

  /** Where it is: it is filled while it waits, and settles once. */
  get phase(): "waiting" | "sent" | "settled" {
    return this.#phase;
  }

  /** What had gone wrong last with its request, whatever became of it. */
  get fault(): unknown {
    return this.#fault;
  }

  /** Takes note of an attempt that failed. */
  noteFault(fault: unknown): void {
    this.#fault = fault;
  }

  /** Adds a caller. Its place is the count before. */
  add(count: number): void {
    this.#count += count;
    this.#callers += 1;
  }

  /** Takes a caller out. Its place stays, so its timestamps burn. */
  leave(): void {
    this.#callers -= 1;
  }

  /** From here on nobody can join. */
  markSent(): void {
    this.#phase = "sent";
  }

  /** Hands the block to all callers. */
  succeed(block: BatchGrant): void {
    this.#phase = "settled";
    this.#settle.resolve(block);
  }

  /** Fails all callers with the error of the request. */
  fail(error: unknown): void {
    this.#phase = "settled";
    this.#settle.reject(error);
  }

  /** Fails all callers who are still there, and ends the request if it is under way. */
  abandon(error: unknown): void {
    const underWay = this.#phase === "sent";
    this.fail(error);
    if (underWay) this.end.abort(error);
  }
}

function ignore(): void {}
