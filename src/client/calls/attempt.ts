// SPDX-License-Identifier: Apache-2.0

import type { Clock } from "../../core/clock.ts";
import { AttemptTimeoutError } from "./fault.ts";

/** What an attempt hands to the transport. */
export interface RpcOptions {
  /** Fires when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** The deadline that the server is told, in whole milliseconds. */
  readonly timeoutMs: number;
}

/** The limits of one attempt. */
export interface AttemptLimits {
  /** Fires when the caller has gone. */
  readonly signal: AbortSignal;
  /** Measures the time. */
  readonly clock: Clock;
  /** The longest it may take, in milliseconds. */
  readonly timeoutMs: number;
}

/** Why a call is cancelled. One for all: a new `DOMException` each time is the dearest part of an attempt. */
const ENDED = Object.assign(new Error("the attempt has ended"), { name: "AbortError" });

/**
 * Makes one attempt, which ends in time whatever the transport does: a connection that is half open may
 * never answer, nor notice a deadline. The timer is gone, and the call cancelled, once it has ended.
 *
 * @throws {AttemptTimeoutError} if the time is over
 * @throws the signal's reason, or whatever the attempt throws
 */
export function runAttempt<T>(
  run: (options: RpcOptions) => Promise<T>,
  limits: AttemptLimits,
): Promise<T> {
  const { signal, clock, timeoutMs } = limits;
  const ended = new AbortController();
  return new Promise((resolve, reject) => {
    const end = () => {
      signal.removeEventListener("abort", abandon);
      ended.abort(ENDED);
    };
    const fail = (error: unknown) => {
      // The reader of the outcome comes first: what cancelling the call makes the transport say is late.
      reject(error);
      end();
    };
    const abandon = () => fail(signal.reason);
    if (signal.aborted) return abandon();
    signal.addEventListener("abort", abandon);
    clock.delay(timeoutMs, { signal: ended.signal }).then(
      () => fail(new AttemptTimeoutError(timeoutMs)),
      // The attempt has ended.
      () => {},
    );
    // The header that carries the deadline has whole numbers only.
    run({ signal: ended.signal, timeoutMs: Math.ceil(timeoutMs) }).then((answer) => {
      resolve(answer);
      end();
    }, fail);
  });
}
