// SPDX-License-Identifier: Apache-2.0

/** Parity of the stand-in with what the documentation of `@std/async` promises. */

import assert from "node:assert/strict";
import { delay } from "@std/async";

const REASON = new Error("enough");

Deno.test("delay() resolves with nothing, not before its time", async () => {
  const startedMs = performance.now();
  assert.equal(await delay(5), undefined);
  assert.ok(performance.now() - startedMs >= 4);
});

Deno.test("delay() rejects with the reason of a signal that fired before", async () => {
  await assert.rejects(delay(60_000, { signal: AbortSignal.abort(REASON) }), REASON);
});

Deno.test("delay() rejects with the reason of a signal that fires, and keeps no timer", async () => {
  const controller = new AbortController();
  const waiting = delay(60_000, { signal: controller.signal });
  controller.abort(REASON);
  await assert.rejects(waiting, REASON);
});

Deno.test("delay() rejects with an AbortError if the signal gives no reason", async () => {
  const controller = new AbortController();
  const waiting = delay(60_000, { signal: controller.signal });
  controller.abort();
  await assert.rejects(waiting, { name: "AbortError" });
});

Deno.test("delay() takes its listener off the signal when the time has passed", async () => {
  const counted = countListeners();
  await delay(1, { signal: counted.signal });
  assert.deepEqual(counted.balance(), { added: 1, removed: 1 });
});

/** A signal that counts the listeners put on it and taken off. */
function countListeners() {
  const { signal } = new AbortController();
  const balance = { added: 0, removed: 0 };
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    balance.added += 1;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    balance.removed += 1;
    remove(...args);
  };
  return { signal, balance: () => balance };
}
