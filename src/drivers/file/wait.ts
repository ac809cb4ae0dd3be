// SPDX-License-Identifier: Apache-2.0

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
      signal?.removeEventListener("abort", abort);
    };
    const fail = (error: unknown) => {
      leave();
      reject(error);
    };
    const abort = () => fail(signal?.reason);
    const timer = setTimeout(() => fail(late()), deadlineMs);
    signal?.addEventListener("abort", abort, { once: true });
    work.then((result) => {
      leave();
      resolve(result);
    }, fail);
    if (signal?.aborted) abort();
  });
}

/** Resolves once either signal has fired. */
export function untilEitherAborted(first: AbortSignal, second: AbortSignal): Promise<void> {
  if (first.aborted || second.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const leave = () => {
      first.removeEventListener("abort", leave);
      second.removeEventListener("abort", leave);
      resolve();
    };
    first.addEventListener("abort", leave);
    second.addEventListener("abort", leave);
  });
}
