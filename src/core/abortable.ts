// SPDX-License-Identifier: Apache-2.0

/** The waits that a signal may end, and the one listener that it has for all of them. */
interface Waits {
  readonly ends: Set<() => void>;
  readonly listener: () => void;
}

/** One listener per signal, however many wait: Node 20 warns of a leak at the eleventh. */
const waitsOf = new WeakMap<AbortSignal, Waits>();

/**
 * Settles like `promise`, or rejects with the signal's reason if that fires first. Nothing is left on the
 * signal once all waits on it have settled. (The function of this name in `@std/async` needs
 * `Promise.withResolvers`, which Node 20 does not have, and puts a listener on the signal for each wait.)
 */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = () => reject(signal.reason);
    promise.then((value) => {
      leave(signal, end);
      resolve(value);
    }, (error: unknown) => {
      leave(signal, end);
      reject(error);
    });
    if (signal.aborted) end();
    else enter(signal, end);
  });
}

/**
 * Runs a function when a signal fires that has not fired yet. All that wait on a signal share one listener.
 *
 * @param run must not throw, as others may stand behind it
 * @returns takes it back: `run` is not called any more
 */
export function onAbort(signal: AbortSignal, run: () => void): () => void {
  let isWaiting = true;
  const end = () => {
    if (isWaiting) run();
  };
  enter(signal, end);
  return () => {
    isWaiting = false;
    leave(signal, end);
  };
}

/** Waits for a wait that the signal may end early, which is no fault. Any other rejection is passed on. */
export function orAborted(wait: Promise<void>, signal: AbortSignal): Promise<void> {
  return wait.catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}

function enter(signal: AbortSignal, end: () => void): void {
  const waits = waitsOf.get(signal);
  if (waits === undefined) listen(signal, end);
  else waits.ends.add(end);
}

function listen(signal: AbortSignal, first: () => void): void {
  const ends = new Set([first]);
  const listener = () => {
    waitsOf.delete(signal);
    for (const end of ends) end();
  };
  signal.addEventListener("abort", listener, { once: true });
  waitsOf.set(signal, { ends, listener });
}

function leave(signal: AbortSignal, end: () => void): void {
  const waits = waitsOf.get(signal);
  if (waits === undefined || !waits.ends.delete(end) || waits.ends.size > 0) return;
  signal.removeEventListener("abort", waits.listener);
  waitsOf.delete(signal);
}
