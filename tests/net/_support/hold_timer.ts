// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";

/**
 * Keeps the timers of one length from running by themselves, so that the test decides when they fire. At the
 * end of a test that did not get so far they fire too, so that what waits for them ends.
 */
export function holdTimer(lengthMs: number): Disposable & { readonly fire: () => void } {
  const { setTimeout: start } = globalThis;
  const held: (() => void)[] = [];
  const hold = (callback: () => void, ms?: number) => {
    if (ms !== lengthMs) return start(callback, ms);
    return held.push(callback);
  };
  globalThis.setTimeout = hold as typeof start;
  const fireAll = () => held.splice(0).forEach((callback) => callback());
  return {
    fire() {
      assert.equal(held.length, 1);
      fireAll();
    },
    [Symbol.dispose]() {
      globalThis.setTimeout = start;
      fireAll();
    },
  };
}
