// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { abortable, onAbort, orAborted } from "../../src/core/abortable.ts";
import { deferred } from "../../src/core/deferred.ts";

const REASON = new Error("enough");

Deno.test("abortable() settles like its promise", async () => {
  const { signal } = new AbortController();
  assert.equal(await abortable(Promise.resolve(7), signal), 7);
  await assert.rejects(abortable(Promise.reject(REASON), signal), REASON);
});

Deno.test("abortable() rejects with the reason of a signal that fires first", async () => {
  const controller = new AbortController();
  const waiting = abortable(new Promise<never>(() => {}), controller.signal);
  controller.abort(REASON);
  await assert.rejects(waiting, REASON);
});

Deno.test("abortable() rejects under a signal that fired before, and swallows a late rejection", async () => {
  const { promise, reject } = deferred<never>();
  await assert.rejects(abortable(promise, AbortSignal.abort(REASON)), REASON);
  reject(new Error("late"));
});

Deno.test("abortable() takes its listener off the signal once it has settled", async () => {
  const counted = countListeners();
  await abortable(Promise.resolve(), counted.signal);
  assert.deepEqual(counted.balance(), { added: 1, removed: 1 });
});

Deno.test("abortable() needs one listener however many wait on a signal, and leaves none", async () => {
  const counted = countListeners();
  const held = deferred<number>();
  const waiting = Array.from({ length: 100 }, () => abortable(held.promise, counted.signal));
  await abortable(Promise.resolve(), counted.signal);
  assert.deepEqual(counted.balance(), { added: 1, removed: 0 });
  held.resolve(7);
  assert.deepEqual(new Set(await Promise.all(waiting)), new Set([7]));
  assert.deepEqual(counted.balance(), { added: 1, removed: 1 });
});

Deno.test("abortable() ends every wait on a signal that fires, but not those that have settled", async () => {
  const controller = new AbortController();
  const settled = await abortable(Promise.resolve(7), controller.signal);
  const waiting = Array.from(
    { length: 20 },
    () => abortable(new Promise<never>(() => {}), controller.signal),
  );
  controller.abort(REASON);
  for (const wait of waiting) await assert.rejects(wait, REASON);
  assert.equal(settled, 7);
});

Deno.test("onAbort() runs each of its functions once, with one listener for all, and none that has left", () => {
  const controller = new AbortController();
  const counted = countListeners(controller.signal);
  const ran: number[] = [];
  const leaves = Array.from({ length: 30 }, (_, at) =>
    onAbort(controller.signal, () => {
      ran.push(at);
      leaves[7]?.();
    }));
  leaves[3]?.();
  leaves[3]?.();
  assert.deepEqual(counted.balance(), { added: 1, removed: 0 });
  controller.abort(REASON);
  assert.equal(ran.length, 28);
  assert.ok(!ran.includes(3) && !ran.includes(7));
});

Deno.test("onAbort() leaves no listener behind once all have left", () => {
  const counted = countListeners();
  const run = () => assert.fail("nothing was aborted");
  const leaves = [onAbort(counted.signal, run), onAbort(counted.signal, run)];
  for (const leave of leaves) leave();
  assert.deepEqual(counted.balance(), { added: 1, removed: 1 });
});

Deno.test("orAborted() takes an abort for an end, and passes any other fault on", async () => {
  const controller = new AbortController();
  const fault = new Error("a broken timer");
  await orAborted(Promise.resolve(), controller.signal);
  await assert.rejects(orAborted(Promise.reject(fault), controller.signal), fault);
  controller.abort(REASON);
  await orAborted(Promise.reject(REASON), controller.signal);
});

/** A signal that counts the listeners put on it and taken off. */
function countListeners(signal = new AbortController().signal) {
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
