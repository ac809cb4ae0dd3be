// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";

/** Keeps the timers of one length from running by themselves, so that the test decides when they fire. */
export function holdTimer(lengthMs: number): Disposable & { readonly fire: () => void } {
  const { setTimeout: start } = globalThis;
  const held: (() => void)[] = [];
  const hold = (callback: () => void, ms?: number) => {
    if (ms !== lengthMs) return start(callback, ms);
    return held.push(callback);
  };
  globalThis.setTimeout = hold as typeof start;
  return {
    fire() {
      assert.equal(held.length, 1);
      held.forEach((callback) => callback());
    },
    [Symbol.dispose]: () => void (globalThis.setTimeout = start),
  };
}
