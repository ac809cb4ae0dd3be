// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { FencedError, PermanentError, TransientError } from "../../../src/consensus/errors.ts";
import { FileDriver } from "../../../src/drivers/file/driver.ts";
import { settle } from "../../../src/testing/manual_clock.ts";
import { ioTest } from "../../_support/levels.ts";
import { StateDir } from "../_support/state_dir.ts";
import { HeldStep, permanent, WRITE_STEPS } from "../_support/steps.ts";
import { watchTimers } from "../../_support/timers.ts";

const LAST_STEP = "file::state::after_dir_fsync";

ioTest("FileDriver.persistHighWater() leaves exactly the record of behaviour.md 15.2", async () => {
  await using dir = await StateDir.make();
  await using driver = await FileDriver.open({ directory: dir.path });
  await driver.persistHighWater(1_700_000_000_000, 0n);
  assert.equal(await dir.hex("state"), "54534f52010068e5cf8b01000073b2e828");
  assert.deepEqual(await dir.names(), ["LOCK", "state"]);
});

ioTest("FileDriver.persistHighWater() of what is durable already does no I/O", async () => {
  await using dir = await StateDir.make();
  await dir.put("state", 1_000);
  const steps: string[] = [];
  const failpoint = (name: string) => void steps.push(name);
  await using driver = await FileDriver.open({ directory: dir.path, failpoint });
  for (const wantedMs of [0, 999, 1_000]) {
    assert.equal(await driver.persistHighWater(wantedMs, 0n), 1_000);
  }
  assert.deepEqual(steps, []);
  await driver.persistHighWater(1_001, 0n);
  assert.deepEqual(steps, WRITE_STEPS);
});

ioTest("FileDriver.persistHighWater() shows a value only once it is durable", async () => {
  await using dir = await StateDir.make();
  await dir.put("state", 1_000);
  const held = new HeldStep(LAST_STEP);
  await using driver = await FileDriver.open({ directory: dir.path, failpoint: held.failpoint });
  const written = driver.persistHighWater(2_000, 0n);
  await held.reached;
  assert.equal(await driver.loadHighWater(), 1_000);
  held.release();
  assert.equal(await written, 2_000);
  assert.equal(await driver.loadHighWater(), 2_000);
});

ioTest(
  "FileDriver.persistHighWater() writes one at a time, and once for all who wait",
  async () => {
    await using dir = await StateDir.make();
    const held = new HeldStep(LAST_STEP);
    await using driver = await FileDriver.open({ directory: dir.path, failpoint: held.failpoint });
    const first = driver.persistHighWater(50, 0n);
    const others = [70, 20, 90, 50, 60].map((ms) => driver.persistHighWater(ms, 0n));
    await held.reached;
    await settle();
    assert.equal(held.count, 1);
    held.release();
    assert.equal(await first, 50);
    assert.deepEqual(await Promise.all(others), [90, 50, 90, 50, 90]);
    assert.equal(held.count, 2);
  },
);

ioTest("FileDriver.persistHighWater() is fenced under any epoch but 0", async () => {
  await using dir = await StateDir.make();
  await using driver = await FileDriver.open({ directory: dir.path });
  for (const epoch of [1n, 1n << 127n]) {
    await assert.rejects(driver.persistHighWater(1_000, epoch), FencedError);
  }
  assert.deepEqual(await dir.names(), ["LOCK"]);
});

ioTest("FileDriver.persistHighWater() answers a slow disk with a transient error", async () => {
  await using dir = await StateDir.make();
  const held = new HeldStep(LAST_STEP);
  const options = { directory: dir.path, deadlineMs: 1, failpoint: held.failpoint };
  await using driver = await FileDriver.open(options);
  await assert.rejects(driver.persistHighWater(1_000, 0n), TransientError);
  await assert.rejects(driver.persistHighWater(1_000, 0n), TransientError);
  assert.equal(await driver.loadHighWater(), 0);
  held.release();
  await driver.close();
  assert.equal(held.count, 1);
  await using again = await FileDriver.open({ directory: dir.path });
  assert.equal(await again.loadHighWater(), 1_000);
});

ioTest(
  "FileDriver.persistHighWater() has one deadline for another's write and its own",
  async () => {
    await using dir = await StateDir.make();
    const held = new HeldStep(LAST_STEP);
    const deadlineMs = 60_000;
    const options = { directory: dir.path, deadlineMs, failpoint: held.failpoint };
    await using driver = await FileDriver.open(options);
    const first = driver.persistHighWater(1_000, 0n);
    await held.reached;
    const timers = watchTimers();
    try {
      const second = driver.persistHighWater(2_000, 0n);
      const arrivedMs = performance.now();
      while (performance.now() < arrivedMs + 5) await new Promise((turn) => setTimeout(turn, 1));
      held.release();
      await Promise.all([first, second]);
      const waits = timers.delaysMs.filter((delayMs) => delayMs > deadlineMs / 2);
      assert.equal(waits.length, 2, "it waits for the write of the other, then for its own");
      assert.ok((waits[1] ?? 0) <= deadlineMs - 5, `it waits for ${waits}`);
    } finally {
      timers.restore();
    }
  },
);

ioTest(
  "FileDriver.persistHighWater() with a signal stops waiting, and the write goes on",
  async () => {
    await using dir = await StateDir.make();
    const held = new HeldStep(LAST_STEP);
    await using driver = await FileDriver.open({ directory: dir.path, failpoint: held.failpoint });
    const stop = new AbortController();
    const options = { signal: stop.signal };
    const written = driver.persistHighWater(1_000, 0n, options);
    await held.reached;
    stop.abort(new Error("enough"));
    await assert.rejects(written, /enough/);
    await assert.rejects(driver.persistHighWater(9_000, 0n, options), /enough/);
    held.release();
    assert.equal(await driver.persistHighWater(500, 0n), 1_000);
  },
);

ioTest("FileDriver.leadershipEvents() says leader of epoch 0 once, and nothing more", async () => {
  await using dir = await StateDir.make();
  await using driver = await FileDriver.open({ directory: dir.path });
  const stop = new AbortController();
  const stream = driver.leadershipEvents({ signal: stop.signal });
  assert.deepEqual((await stream.next()).value, { kind: "leader", epoch: 0n });
  const second = stream.next();
  await driver.persistHighWater(1_000, 0n);
  stop.abort();
  assert.deepEqual(await second, { done: true, value: undefined });
});

ioTest("FileDriver.close() waits for the write in flight and refuses those behind it", async () => {
  await using dir = await StateDir.make();
  const held = new HeldStep(LAST_STEP);
  const driver = await FileDriver.open({ directory: dir.path, failpoint: held.failpoint });
  const inFlight = driver.persistHighWater(1_000, 0n);
  const behind = assert.rejects(driver.persistHighWater(2_000, 0n), permanent(/is closed/));
  await held.reached;
  let closed = false;
  const closing = driver.close().then(() => {
    closed = true;
  });
  await settle();
  assert.equal(closed, false);
  held.release();
  assert.equal(await inFlight, 1_000);
  await Promise.all([closing, behind, driver.close()]);
  await using again = await FileDriver.open({ directory: dir.path });
  assert.equal(await again.loadHighWater(), 1_000);
});

ioTest("FileDriver.close() ends the leadership and refuses every later call", async () => {
  await using dir = await StateDir.make();
  const driver = await FileDriver.open({ directory: dir.path });
  const { signal } = new AbortController();
  const stream = driver.leadershipEvents({ signal });
  await stream.next();
  const pending = assert.rejects(stream.next(), permanent(/is closed; open a new one$/));
  await driver.close();
  await pending;
  await assert.rejects(driver.loadHighWater(), PermanentError);
  await assert.rejects(driver.persistHighWater(0, 0n), PermanentError);
  await assert.rejects(driver.leadershipEvents({ signal }).next(), PermanentError);
});

ioTest("FileDriver.open() refuses a deadline that no timer can keep", async () => {
  await using dir = await StateDir.make();
  for (const deadlineMs of [0, -1, NaN, 2 ** 31, Infinity]) {
    await assert.rejects(FileDriver.open({ directory: dir.path, deadlineMs }), RangeError);
  }
  assert.deepEqual(await dir.names(), []);
});
