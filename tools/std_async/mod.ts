// SPDX-License-Identifier: Apache-2.0

/**
 * A development stand-in for the functions of `@std/async` that this project uses, written from their
 * documented behaviour. The published package depends on the real one; a checkout that cannot reach its
 * registry resolves the name to this workspace member instead.
 *
 * @module
 */

/** Options of {@linkcode delay}. */
export interface DelayOptions {
  /** Ends the delay early: the promise rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** Resolves after `ms` milliseconds, or rejects with the signal's reason. */
export function delay(ms: number, options: DelayOptions = {}): Promise<void> {
  const { signal } = options;
  if (signal?.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", abort, { once: true });
  });
}
