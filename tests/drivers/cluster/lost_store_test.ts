// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { PermanentError } from "../../../src/consensus/errors.ts";
import { DriverRig, LEASE_MS, LOST } from "./_support/driver_rig.ts";

const WENT_BACK = {
  code: "permanent",
  message: /the store went back: .*Stop all nodes, restore it as docs\/operations\.md says/,
};

function assertWentBack(error: unknown): void {
  assert.throws(() => {
    throw error;
  }, WENT_BACK);
}

Deno.test("a leader whose engine lost its term ends its stream, says what happened, and is never certain again", async () => {
  await using one = await new DriverRig().join();
  await using two = await one.beside("b").join();
  const backup = one.engine.backUp();
  one.link.cut();
  await one.pass(2 * LEASE_MS);
  assert.equal(two.state(), "leader");
  one.link.mend();
  await one.pass(LEASE_MS / 2);
  one.engine.rollBack(backup);
  await one.pass(LEASE_MS / 2);
  assertWentBack(two.end);
  assert.equal(two.certainMs, -Infinity);
  assertWentBack(one.end);
  const writes = one.calls("takeOver") + one.calls("resign") + two.calls("resign");
  await one.pass(5 * LEASE_MS);
  assert.equal(one.calls("takeOver") + one.calls("resign") + two.calls("resign"), writes);
});

Deno.test("a node that saw a later term does not serve by a later stream either", async () => {
  await using one = await new DriverRig().join();
  const { engine } = one;
  await one.pass(LEASE_MS);
  engine.rollBack(new DriverRig().engine.backUp());
  await one.pass(LEASE_MS);
  assertWentBack(one.end);
  await one.join();
  await one.pass(5 * LEASE_MS);
  assertWentBack(one.end);
  assert.equal(one.state(), "unknown");
});

Deno.test("an epoch that a rolled back engine gave to another node is not shared with it", async () => {
  await using one = new DriverRig();
  const backup = one.engine.backUp();
  await one.join();
  const { epoch } = one.leadership;
  one.engine.rollBack(backup);
  const claim = { id: "other", endpoint: { host: "b", port: 1 } };
  assert.equal(one.engine.takeOver(one.engine.standing, claim)?.term?.epoch, epoch);
  await one.pass(LEASE_MS);
  assert.match(String(one.end), /was held by another node before/);
  assert.equal(one.certainMs, -Infinity);
  assert.equal(one.calls("resign"), 0);
});

Deno.test("a leader whose certainty lapsed sends no heartbeat under an epoch that another node was given meanwhile", async () => {
  await using one = new DriverRig();
  const { engine } = one;
  const backup = engine.backUp();
  await one.join();
  const { epoch } = one.leadership;
  one.plan("beat", LOST);
  await one.pass(LEASE_MS);
  assert(one.certainMs <= 0);
  // The watch says nothing: only the read before the heartbeat can tell.
  engine.listeners.clear();
  one.planNothing();
  engine.rollBack(backup);
  const claim = { id: "other", endpoint: { host: "b", port: 1 } };
  assert.equal(engine.takeOver(engine.standing, claim)?.term?.epoch, epoch);
  const { beat } = engine.standing;
  const before = one.calls("beat");
  await one.pass(LEASE_MS);
  assert.match(String(one.end), /was held by another node before/);
  assert.deepEqual([engine.standing.beat, one.calls("beat")], [beat, before]);
});

Deno.test("a high-water that went back is refused by loads and by persists", async () => {
  await using one = await new DriverRig().join();
  const { epoch } = one.leadership;
  const backup = one.engine.backUp();
  await one.driver.persistHighWater(5_000, epoch);
  one.engine.rollBack(backup);
  await assert.rejects(one.driver.loadHighWater(), WENT_BACK);
  await assert.rejects(one.driver.persistHighWater(4_000, epoch), WENT_BACK);
});

Deno.test("a restore raises the incarnation: nodes go on above every epoch and after all high-waters", async () => {
  const before = await new DriverRig().join();
  const { engine } = before;
  const { epoch } = before.leadership;
  await before.driver.persistHighWater(5_000, epoch);
  await before.close();
  engine.restore(9_000);
  await using after = await new DriverRig({ engine }).join();
  await after.pass(2 * LEASE_MS);
  assert(after.leadership.epoch > epoch);
  assert.equal(after.leadership.epoch >> 64n, 9_000n);
  assert.equal(await after.driver.loadHighWater(), 9_000);
});

Deno.test("the same backup restored twice: the epochs of the second life are above those of the first", async () => {
  const before = await new DriverRig().join();
  const { engine } = before;
  const backup = engine.backUp();
  await before.close();
  const epochs = [before.leadership.epoch];
  for (const atLeastMs of [5_000, 6_000]) {
    engine.rollBack(backup);
    engine.restore(atLeastMs);
    await using after = await new DriverRig({ engine }).join();
    await after.pass(2 * LEASE_MS);
    epochs.push(after.leadership.epoch);
  }
  assert.deepEqual(epochs, epochs.toSorted((a, b) => a < b ? -1 : 1));
  assert.equal(new Set(epochs).size, 3);
});

Deno.test("a restore under running nodes: a standby that has seen a leader does not follow it before its silence", async () => {
  await using one = await new DriverRig().join();
  await using two = await one.beside("b").join();
  one.engine.restore(0);
  await one.pass(LEASE_MS / 2);
  // The fence has ended the old term; neither takes over before that could still be certain elsewhere.
  assert.equal(one.certainMs, -Infinity);
  assert.notEqual(two.state(), "leader");
  await one.pass(LEASE_MS);
  assert.equal([one, two].filter((rig) => rig.state() === "leader").length, 1);
});

Deno.test("a permanent fault of the engine ends the stream in its own words, after certainty", async () => {
  await using one = await new DriverRig().join();
  one.link.plan = (method) => {
    if (method === "beat") throw new PermanentError("the password was refused");
    return { requestMs: 0, answerMs: 0 };
  };
  await one.pass(LEASE_MS / 2);
  assert.match(String(one.end), /PermanentError: the password was refused/);
  assert.equal(one.certainMs, -Infinity);
});

Deno.test("ready() returns once the engine is prepared and has told who leads", async () => {
  await using one = new DriverRig();
  await one.driver.ready({ signal: new AbortController().signal });
  assert.deepEqual(one.link.sent, ["prepare", "readStanding"]);
});

Deno.test("ready() fails with the engine's own words if the engine cannot be relied on", async () => {
  await using one = new DriverRig();
  one.link.plan = () => {
    throw new PermanentError("the format is from a later release");
  };
  const ready = one.driver.ready({ signal: new AbortController().signal });
  await assert.rejects(ready, /the format is from a later release/);
});

Deno.test("ready() waits for an engine that is away until its signal, and then says what stood in the way", async () => {
  await using one = new DriverRig();
  one.plan("prepare", LOST);
  const stop = new AbortController();
  const ready = assert.rejects(one.driver.ready({ signal: stop.signal }), {
    code: "transient",
    message: /prepare: no answer within/,
  });
  await one.pass(10_000);
  stop.abort();
  await ready;
});

Deno.test("flapping: leaders that are cut off again and again, and the same node leads again", async () => {
  await using one = await new DriverRig().join();
  await using two = await one.beside("b").join();
  const epochs = new Set<bigint>();
  for (let flaps = 0; flaps < 200; flaps++) {
    const isCut = flaps % 2 === 0;
    for (const { link } of [one, two]) isCut ? link.cut() : link.mend();
    await one.pass(50);
    assert(
      !(one.state() === "leader" && two.state() === "leader" && one.certainMs > 0 &&
        two.certainMs > 0),
    );
    for (const rig of [one, two]) if (rig.state() === "leader") epochs.add(rig.leadership.epoch);
  }
  one.link.mend();
  two.link.mend();
  await one.pass(3 * LEASE_MS);
  const leaders = [one, two].filter((rig) => rig.state() === "leader");
  assert.equal(leaders.length, 1);
  assert(leaders[0] !== undefined && leaders[0].certainMs > 0);
  // One node loses the leadership for good, and another gains it, as often as it is cut off for long enough.
  for (let turns = 0; turns < 10; turns++) {
    const leader = one.state() === "leader" ? one : two;
    leader.link.cut();
    await one.pass(1.1 * LEASE_MS);
    leader.link.mend();
    await one.pass(LEASE_MS / 2);
    epochs.add((one.state() === "leader" ? one : two).leadership.epoch);
    assert.equal([one, two].filter((rig) => rig.state() === "leader").length, 1);
  }
  assert(epochs.size >= 11);
  assert.equal(one.end ?? two.end, undefined);
});

Deno.test("resignations every 50 ms: each node leads again and again by new streams, under growing epochs", async () => {
  await using one = await new DriverRig().join();
  await using two = await one.beside("b").join();
  let highest = 0n;
  for (let turns = 0; turns < 100; turns++) {
    const [leader, other] = one.state() === "leader" ? [one, two] : [two, one];
    assert(leader.leadership.epoch > highest);
    highest = leader.leadership.epoch;
    leader.leave();
    assert.equal(leader.certainMs, -Infinity);
    await leader.join();
    await one.pass(50);
    assert.equal(other.state(), "leader");
    assert(other.certainMs > 0);
  }
});
