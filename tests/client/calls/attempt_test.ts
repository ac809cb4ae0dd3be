// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { runAttempt } from "../../../src/client/calls/attempt.ts";
import type { RpcOptions } from "../../../src/client/calls/attempt.ts";
import { AttemptTimeoutError } from "../../../src/client/calls/fault.ts";
import { deferred } from "../../../src/core/deferred.ts";
import { ManualClock } from "../../../src/testing/manual_clock.ts";
import { watchListeners } from "../_support/watch_listeners.ts";

function attemptRig() {
  const clock = new ManualClock();
  const controller = new AbortController();
  const { signal } = controller;
  const listeners = watchListeners(signal);
  return { clock, controller, listeners, limits: { clock, signal, timeoutMs: 2_000 } };
}

for (const [name, outcome] of [["an answer", "fulfilled"], ["a fault", "rejected"]] as const) {
  Deno.test(`runAttempt() ends with ${name}, cancels what is left, and leaves nothing behind`, async () => {
    const { clock, listeners, limits } = attemptRig();
    const rpc = deferred<string>();
    let options: RpcOptions | undefined;
    const attempt = runAttempt((given) => {
      options = given;
      return rpc.promise;
    }, limits);
    assert.deepEqual([options?.timeoutMs, options?.signal.aborted], [2_000, false]);
    if (outcome === "fulfilled") rpc.resolve("answer");
    else rpc.reject(new Error("fault"));
    const [settled] = await Promise.allSettled([attempt]);
    assert.equal(settled?.status, outcome);
    assert.equal(options?.signal.aborted, true);
    assert.deepEqual([listeners(), clock.sleeping], [0, 0]);
  });
}

Deno.test("runAttempt() ends in time although the transport hears nothing", async () => {
  const { clock, listeners, limits } = attemptRig();
  const attempt = assert.rejects(
    runAttempt(() => new Promise(() => {}), limits),
    AttemptTimeoutError,
  );
  await clock.advance(2_000);
  await attempt;
  assert.deepEqual([listeners(), clock.sleeping], [0, 0]);
});

Deno.test("runAttempt() ends when the signal fires although the transport hears nothing", async () => {
  const { clock, controller, listeners, limits } = attemptRig();
  const attempt = runAttempt(() => new Promise(() => {}), limits);
  controller.abort(new Error("enough"));
  await assert.rejects(attempt, /enough/);
  assert.deepEqual([listeners(), clock.sleeping], [0, 0]);
});

Deno.test("runAttempt() sends nothing when the signal has fired before", async () => {
  const { clock, controller, limits } = attemptRig();
  controller.abort(new Error("enough"));
  const run = () => assert.fail("it was sent");
  await assert.rejects(runAttempt(run, limits), /enough/);
  assert.equal(clock.sleeping, 0);
});
