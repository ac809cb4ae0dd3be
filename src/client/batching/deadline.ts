// SPDX-License-Identifier: Apache-2.0

import { abortable } from "../../core/abortable.ts";
import { LONGEST_TIMER_MS } from "../../core/timer_limit.ts";
import { TsoClientError } from "../errors.ts";
import type { ClientCallOptions } from "../options.ts";
import { EXPIRED } from "./timeouts.ts";
import type { Tick, Timeouts } from "./timeouts.ts";

/**
 * How long one caller waits: until its signal fires or its time is over. Callers whose time is over in the same
 * millisecond share a timer, and those that share a signal put one listener on it.
 */
export class Deadline {
  readonly #given: AbortSignal | undefined;
  readonly #timeouts: Timeouts;
  readonly #timeoutMs: number;
  readonly #tick: Tick | undefined;

  /**
   * Starts the timer, if the caller gave a timeout. {@linkcode Deadline.end} must be called.
   *
   * @throws the reason of a signal that has fired already
   * @throws {TsoClientError} `invalid-argument` for a timeout that is none
   */
  constructor(options: ClientCallOptions, timeouts: Timeouts) {
    const { timeoutMs } = options;
    const signal = checkSignal(options.signal);
    signal?.throwIfAborted();
    this.#given = signal;
    this.#timeouts = timeouts;
    this.#timeoutMs = timeoutMs ?? 0;
    this.#tick = timeoutMs === undefined ? undefined : timeouts.begin(checkTimeout(timeoutMs));
  }

  /** Whether the caller waits no more. */
  get isOver(): boolean {
    return this.#tick?.signal.aborted === true || this.#given?.aborted === true;
  }

  /** Settles like `promise`, or rejects when the caller's signal fires or its time is over. */
  bound<T>(promise: Promise<T>): Promise<T> {
    const timed = this.#tick === undefined ? promise : abortable(promise, this.#tick.signal);
    return this.#given === undefined ? timed : abortable(timed, this.#given);
  }

  /**
   * The error that the caller gets for one that {@linkcode Deadline.bound} has thrown.
   *
   * @param fault what had gone wrong last while it waited, if anything had
   */
  explain(error: unknown, fault: unknown): unknown {
    return error === EXPIRED ? expired(this.#timeoutMs, fault) : error;
  }

  /** Removes the timer, unless others need it. */
  end(): void {
    if (this.#tick !== undefined) this.#timeouts.end(this.#tick);
  }
}

function expired(timeoutMs: number, fault: unknown): TsoClientError {
  const text = `Cannot wait any longer: the 'timeoutMs' of the call, ${timeoutMs} ms, is over`;
  if (fault === undefined) return new TsoClientError("deadline-exceeded", text);
  const why = fault instanceof Error ? fault.message : String(fault);
  const endpoint = fault instanceof TsoClientError ? fault.endpoint : undefined;
  const options = { cause: fault, endpoint };
  return new TsoClientError("deadline-exceeded", `${text}; the last attempt: ${why}`, options);
}

/**
 * Checks how long a call may take.
 *
 * @returns the same value
 * @throws {TsoClientError} `invalid-argument` naming the rule and the value
 */
export function checkTimeout(timeoutMs: number): number {
  if (typeof timeoutMs === "number" && timeoutMs > 0 && timeoutMs <= LONGEST_TIMER_MS) {
    return timeoutMs;
  }
  throw new TsoClientError(
    "invalid-argument",
    `Cannot wait for ${
      show(timeoutMs)
    } ms: 'timeoutMs' must be a number above 0 and at most ${LONGEST_TIMER_MS}`,
  );
}

/**
 * Checks what is to end a call. `null` is none, as for `fetch`.
 *
 * @returns the signal, if there is one
 * @throws {TsoClientError} `invalid-argument` naming the rule and the value
 */
export function checkSignal(signal: AbortSignal | null | undefined): AbortSignal | undefined {
  if (signal === undefined || signal === null) return undefined;
  if (typeof signal.addEventListener === "function" && typeof signal.aborted === "boolean") {
    return signal;
  }
  throw new TsoClientError(
    "invalid-argument",
    `Cannot end a call with ${
      show(signal)
    }: 'signal' must be an AbortSignal; pass controller.signal`,
  );
}

function show(value: unknown): string {
  if (typeof value === "number") return String(value);
  return typeof value === "string" ? JSON.stringify(value) : Object.prototype.toString.call(value);
}
