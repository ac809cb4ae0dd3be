// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { LeadershipEvent } from "../../src/consensus/driver.ts";
import { FencedError } from "../../src/consensus/errors.ts";
import { MemoryDriver } from "../../src/drivers/memory/driver.ts";
import { testDriverConformance } from "../../src/testing/driver_conformance.ts";

/** Of the second incarnation, so that there are older epochs that differ in the upper half alone. */
const EPOCH = (2n << 64n) | 5n;

testDriverConformance("MemoryDriver", {
  test: (name, fn) => Deno.test(name, fn),
  open: () => Promise.resolve(new MemoryDriver({ initial: { kind: "leader", epoch: EPOCH } })),
  openWith: (content) => Promise.resolve(new MemoryDriver(content)),
  close: () => Promise.resolve(),
  supersede: (driver) => {
    driver.announce({ kind: "follower", leaderEpoch: EPOCH + 1n });
    return Promise.resolve();
  },
});

/** The next `count` events of a new stream, which then ends. */
async function read(driver: MemoryDriver, count: number): Promise<LeadershipEvent[]> {
  const stop = new AbortController();
  const stream = driver.leadershipEvents({ signal: stop.signal });
  const events: LeadershipEvent[] = [];
  while (events.length < count) events.push((await stream.next()).value);
  stop.abort();
  assert.equal((await stream.next().catch(() => ({ done: true }))).done, true);
  return events;
}

Deno.test("MemoryDriver leads under epoch 1 from 0 unless told otherwise", async () => {
  const driver = new MemoryDriver();
  assert.deepEqual(await read(driver, 1), [{ kind: "leader", epoch: 1n }]);
  assert.equal(await driver.loadHighWater(), 0);
});

Deno.test("MemoryDriver begins with the leadership and high-water of its options", async () => {
  const driver = new MemoryDriver({ initial: { kind: "unknown" }, highWaterMs: 42 });
  assert.deepEqual(await read(driver, 1), [{ kind: "unknown" }]);
  assert.equal(await driver.loadHighWater(), 42);
});

Deno.test("MemoryDriver refuses an initial high-water beyond 46 bits", () => {
  assert.throws(() => new MemoryDriver({ highWaterMs: 2 ** 46 }), { code: "advance-out-of-range" });
});

Deno.test("MemoryDriver.announce() reports each event once and in order to a running stream", async () => {
  const driver = new MemoryDriver({ initial: { kind: "unknown" } });
  const stop = new AbortController();
  const stream = driver.leadershipEvents({ signal: stop.signal });
  await stream.next();
  const pending = stream.next();
  const script: LeadershipEvent[] = [
    { kind: "leader", epoch: 5n },
    { kind: "follower", leaderEpoch: 6n },
    { kind: "leader", epoch: 7n },
  ];
  for (const event of script) driver.announce(event);
  const seen = [await pending, await stream.next(), await stream.next()];
  assert.deepEqual(seen.map(({ value }) => value), script);
  stop.abort();
});

Deno.test("MemoryDriver.announce() between two streams is the first item of the second, alone", async () => {
  const driver = new MemoryDriver();
  await read(driver, 1);
  driver.announce({ kind: "unknown" });
  driver.announce({ kind: "leader", epoch: 9n });
  assert.deepEqual(await read(driver, 1), [{ kind: "leader", epoch: 9n }]);
});

Deno.test("MemoryDriver begins a second stream with the present and does not repeat the past", async () => {
  const driver = new MemoryDriver();
  await read(driver, 1);
  driver.announce({ kind: "unknown" });
  driver.announce({ kind: "leader", epoch: 9n });
  const stop = new AbortController();
  const stream = driver.leadershipEvents({ signal: stop.signal });
  assert.deepEqual((await stream.next()).value, { kind: "leader", epoch: 9n });
  const next = stream.next();
  driver.announce({ kind: "leader", epoch: 10n });
  assert.deepEqual((await next).value, { kind: "leader", epoch: 10n });
  stop.abort();
});

Deno.test("MemoryDriver.persistHighWater() is fenced by the newest epoch announced or written", async () => {
  const driver = new MemoryDriver();
  driver.announce({ kind: "leader", epoch: 5n });
  await assert.rejects(driver.persistHighWater(10, 4n), (error) => {
    assert.ok(error instanceof FencedError);
    assert.deepEqual([error.expected, error.current], [4n, 5n]);
    return true;
  });
  assert.equal(await driver.persistHighWater(10, 6n), 10);
  await assert.rejects(driver.persistHighWater(20, 5n), FencedError);
  assert.equal(await driver.loadHighWater(), 10);
});

Deno.test("MemoryDriver refuses a limit of keys that cannot be", () => {
  for (const maxSequenceKeys of [0, -1, 1.5, NaN, Infinity]) {
    assert.throws(() => new MemoryDriver({ maxSequenceKeys }), {
      name: "RangeError",
      message:
        `Cannot make a driver as 'maxSequenceKeys' must be a whole number from 1 to 9007199254740991: current value is ${maxSequenceKeys}`,
    });
  }
  assert.ok(new MemoryDriver({ maxSequenceKeys: 1 }));
});

Deno.test("MemoryDriver.announce() reports every event to each of two streams", async () => {
  const driver = new MemoryDriver({ initial: { kind: "unknown" } });
  const stop = new AbortController();
  const streams = [1, 2].map(() => driver.leadershipEvents({ signal: stop.signal }));
  const both = async () =>
    (await Promise.all(streams.map((stream) => stream.next()))).map(({ value }) => value);
  assert.deepEqual(await both(), [{ kind: "unknown" }, { kind: "unknown" }]);
  for (const epoch of [5n, 6n]) driver.announce({ kind: "leader", epoch });
  for (const epoch of [5n, 6n]) {
    assert.deepEqual(await both(), [{ kind: "leader", epoch }, { kind: "leader", epoch }]);
  }
  stop.abort();
});
