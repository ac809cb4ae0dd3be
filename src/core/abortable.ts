// SPDX-License-Identifier: Apache-2.0

/**
 * Settles like `promise`, or rejects with the signal's reason if that fires first. The listener is gone
 * once it has settled. (The function of this name in `@std/async` needs `Promise.withResolvers`, which
 * Node 20 does not have.)
 */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    const leave = () => signal.removeEventListener("abort", abort);
    promise.then((value) => {
      leave();
      resolve(value);
    }, (error: unknown) => {
      leave();
      reject(error);
    });
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}

/** Waits for a wait that the signal may end early, which is no fault. Any other rejection is passed on. */
export function orAborted(wait: Promise<void>, signal: AbortSignal): Promise<void> {
  return wait.catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
