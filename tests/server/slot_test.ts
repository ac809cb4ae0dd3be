// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Slot } from "../../src/server/slot.ts";
import { settle } from "../../src/testing/manual_clock.ts";
import { Gate } from "../_support/oracle_rig.ts";

const REASON = new Error("gone");

Deno.test("Slot.run() runs one at a time, in the order of asking", async () => {
  const slot = new Slot();
  const gates = [new Gate(), new Gate(), new Gate()];
  const log: string[] = [];
  const runs = gates.map((gate, index) =>
    slot.run(async () => {
      log.push(`begin ${index}`);
      await gate.pass();
      log.push(`end ${index}`);
    }, [])
  );
  for (const gate of gates.toReversed()) gate.open();
  await Promise.all(runs);
  assert.deepEqual(log, ["begin 0", "end 0", "begin 1", "end 1", "begin 2", "end 2"]);
});

Deno.test("Slot.run() passes on what the work gives or throws, and goes on after it", async () => {
  const slot = new Slot();
  await assert.rejects(slot.run(() => Promise.reject(REASON), []), REASON);
  await assert.rejects(
    slot.run(() => {
      throw REASON;
    }, []),
    REASON,
  );
  assert.equal(await slot.run(() => Promise.resolve(7), []), 7);
});

Deno.test("Slot.run() leaves the work out if any of its signals fires before its turn", async () => {
  for (const which of [0, 1]) {
    const slot = new Slot();
    const gate = new Gate();
    const first = slot.run(() => gate.pass(), []);
    const controllers = [new AbortController(), new AbortController()];
    let ran = false;
    const second = slot.run(() => {
      ran = true;
      return Promise.resolve();
    }, controllers.map(({ signal }) => signal));
    controllers[which]?.abort(REASON);
    await assert.rejects(second, REASON);
    gate.open();
    await first;
    await slot.idle;
    assert.equal(ran, false);
  }
});

Deno.test("Slot.run() never begins under a signal that has fired, at whatever turn that was", async () => {
  for (let turns = 0; turns < 20; turns++) {
    const slot = new Slot();
    const controller = new AbortController();
    let beganAborted = false;
    const first = slot.run(() => {
      void settle(turns).then(() => controller.abort(REASON));
      return Promise.resolve();
    }, []);
    const second = slot.run(() => {
      beganAborted = controller.signal.aborted;
      return Promise.resolve();
    }, [controller.signal]);
    await first;
    await second.catch(() => {});
    assert.equal(beganAborted, false, `after ${turns} turns`);
  }
});

Deno.test("Slot.run() ends the wait for work under way, which goes on and keeps the slot", async () => {
  const slot = new Slot();
  const gate = new Gate();
  const controller = new AbortController();
  let ended = false;
  const first = slot.run(async () => {
    await gate.pass();
    ended = true;
  }, [controller.signal]);
  await settle();
  controller.abort(REASON);
  await assert.rejects(first, REASON);
  const second = slot.run(() => Promise.resolve(ended), []);
  await settle();
  gate.open();
  assert.equal(await second, true);
});

Deno.test("Slot.idle settles after all that was asked for, failures included", async () => {
  const slot = new Slot();
  const gate = new Gate();
  const work = slot.run(() => gate.pass(), []);
  let idle = false;
  const waiting = slot.idle.then(() => idle = true);
  await settle();
  assert.equal(idle, false);
  gate.fail(REASON);
  await assert.rejects(work, REASON);
  await waiting;
});
