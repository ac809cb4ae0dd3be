// SPDX-License-Identifier: Apache-2.0

/** Counts, from here on, how many listeners of a signal are left. */
export function watchListeners(signal: AbortSignal): () => number {
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: unknown[]) => {
    listeners += 1;
    Reflect.apply(addEventListener, signal, args);
  };
  signal.removeEventListener = (...args: unknown[]) => {
    listeners -= 1;
    Reflect.apply(removeEventListener, signal, args);
  };
  return () => listeners;
}
