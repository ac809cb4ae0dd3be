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
  /**
   * Whether the timer keeps the process alive.
   *
   * @default {true}
   */
  persistent?: boolean;
}

/** Resolves after `ms` milliseconds, or rejects with the signal's reason. */
export function delay(ms: number, options: DelayOptions = {}): Promise<void> {
  const { signal, persistent = true } = options;
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
    if (!persistent) unref(timer);
  });
}

/** Settles like `promise`, or rejects with the signal's reason if that fires first. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    promise.catch(() => {});
    return Promise.reject(signal.reason);
  }
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    const leave = () => signal.removeEventListener("abort", abort);
    signal.addEventListener("abort", abort, { once: true });
    promise.then((value) => {
      leave();
      resolve(value);
    }, (error: unknown) => {
      leave();
      reject(error);
    });
  });
}

function unref(timer: unknown): void {
  if (typeof timer === "number") Deno.unrefTimer(timer);
  else (timer as { unref(): void }).unref();
}
