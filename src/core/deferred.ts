// SPDX-License-Identifier: Apache-2.0

/** A promise with its handles. */
export interface Deferred<T> {
  /** The promise. */
  readonly promise: Promise<T>;
  /** Fulfils the promise, once. */
  readonly resolve: (value: T | PromiseLike<T>) => void;
  /** Rejects the promise, once. */
  readonly reject: (reason?: unknown) => void;
}

/** `Promise.withResolvers()`, which Node 20 does not have. */
export function deferred<T>(): Deferred<T> {
  let resolve: Deferred<T>["resolve"] = ignore;
  let reject: Deferred<T>["reject"] = ignore;
  const promise = new Promise<T>((fulfil, refuse) => {
    resolve = fulfil;
    reject = refuse;
  });
  return { promise, resolve, reject };
}

function ignore(): void {}
