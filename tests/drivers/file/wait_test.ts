// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { untilEitherAborted, waitWithin } from "../../../src/drivers/file/wait.ts";

/** A signal that counts its listeners. */
function countedSignal(): { readonly signal: AbortSignal; readonly listeners: () => number } {
  const { signal } = new AbortController();
  let count = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    count++;
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    count--;
    removeEventListener.apply(signal, args);
  };
  return { signal, listeners: () => count };
}

function late(): Error {
  return new Error("late");
}

Deno.test("waitWithin() leaves neither timer nor listener behind, however the work ends", async () => {
  const { signal, listeners } = countedSignal();
  const all = Array.from(
    { length: 30 },
    () => waitWithin(Promise.resolve(), { deadlineMs: 60_000, late, signal }),
  );
  assert.equal(listeners(), 1, "Node 20 warns of a leak at the eleventh");
  await Promise.all(all);
  assert.equal(listeners(), 0);
  const failing = Promise.reject(new Error("broken"));
  await assert.rejects(waitWithin(failing, { deadlineMs: 60_000, late, signal }), /broken/);
  assert.equal(listeners(), 0);
});

Deno.test("waitWithin() ends at its deadline while the work goes on", async () => {
  const { signal, listeners } = countedSignal();
  const work = Promise.withResolvers<void>();
  await assert.rejects(waitWithin(work.promise, { deadlineMs: 1, late, signal }), /late/);
  assert.equal(listeners(), 0);
  work.reject(new Error("too late to matter"));
});

Deno.test("waitWithin() ends with the reason of its signal", async () => {
  const stop = new AbortController();
  const work = new Promise<void>(() => {});
  const waiting = waitWithin(work, { deadlineMs: 60_000, late, signal: stop.signal });
  stop.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
});

Deno.test("untilEitherAborted() ends with either signal and listens no longer", async () => {
  for (const turned of [false, true]) {
    const { signal, listeners } = countedSignal();
    const stop = new AbortController();
    const waiting = turned
      ? untilEitherAborted(stop.signal, signal)
      : untilEitherAborted(signal, stop.signal);
    assert.equal(listeners(), 1);
    const others = Array.from({ length: 30 }, () => untilEitherAborted(signal, stop.signal));
    assert.equal(listeners(), 1);
    stop.abort();
    await Promise.all([waiting, ...others]);
    assert.equal(listeners(), 0);
    await untilEitherAborted(signal, stop.signal);
    assert.equal(listeners(), 0);
  }
});
