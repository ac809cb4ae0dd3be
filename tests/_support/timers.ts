// SPDX-License-Identifier: Apache-2.0

/** Notes the delay of each timer that is set from now on, which runs all the same. */
export function watchTimers(): {
  readonly delaysMs: readonly number[];
  readonly restore: () => void;
} {
  const { setTimeout } = globalThis;
  const delaysMs: number[] = [];
  globalThis.setTimeout = ((run: () => void, delayMs = 0) => {
    delaysMs.push(delayMs);
    return setTimeout(run, delayMs);
  }) as typeof setTimeout;
  return { delaysMs, restore: () => void (globalThis.setTimeout = setTimeout) };
}
