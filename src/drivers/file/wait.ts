// SPDX-License-Identifier: Apache-2.0

import { onAbort } from "../../core/abortable.ts";

/** How long a wait may last. */
export interface WaitLimits {
  /** Milliseconds after which the wait fails. */
  readonly deadlineMs: number;
  /** What it then fails with. */
  readonly late: () => Error;
  /** Ends the wait with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Waits for a promise within limits. The work goes on in any case. */
export function waitWithin<T>(work: Promise<T>, limits: WaitLimits): Promise<T> {
  const { deadlineMs, late, signal } = limits;
  return new Promise((resolve, reject) => {
    const leave = () => {
      clearTimeout(timer);
      stopListening?.();
    };
    const fail = (error: unknown) => {
      leave();
      reject(error);
    };
    const timer = setTimeout(() => fail(late()), deadlineMs);
    const abort = () => fail(signal?.reason);
    const stopListening = signal && onAbort(signal, abort);
    work.then((result) => {
      leave();
      resolve(result);
    }, fail);
    if (signal?.aborted === true) abort();
  });
}

/** Resolves once either signal has fired. */
export function untilEitherAborted(first: AbortSignal, second: AbortSignal): Promise<void> {
  if (first.aborted || second.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const leave = () => {
      for (const stopListening of stops) stopListening();
      resolve();
    };
    const stops = [onAbort(first, leave), onAbort(second, leave)];
  });
}
