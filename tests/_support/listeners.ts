// SPDX-License-Identifier: Apache-2.0

/** How many listeners signals got and lost. */
export interface ListenerCounts {
  readonly added: number;
  readonly removed: number;
}

/** Counts the listeners put on any signal and taken off again, until it is told to stop. */
export function countListeners(): { stop(): ListenerCounts } {
  const { addEventListener, removeEventListener } = AbortSignal.prototype;
  const counts = { added: 0, removed: 0 };
  AbortSignal.prototype.addEventListener = function (this: AbortSignal, ...args: never[]) {
    counts.added++;
    Reflect.apply(addEventListener, this, args);
  } as typeof addEventListener;
  AbortSignal.prototype.removeEventListener = function (this: AbortSignal, ...args: never[]) {
    counts.removed++;
    Reflect.apply(removeEventListener, this, args);
  } as typeof removeEventListener;
  return {
    stop() {
      AbortSignal.prototype.addEventListener = addEventListener;
      AbortSignal.prototype.removeEventListener = removeEventListener;
      return counts;
    },
  };
}
