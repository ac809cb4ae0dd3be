// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { leaseOf } from "./_support/store_contract_calls.ts";
import { DriverRig, LOST } from "./_support/driver_rig.ts";

/** A leader whose writes of sequences and leases are under way until the clock is moved by 10 ms. */
async function slowLeader(maxSequenceKeys = 10): Promise<DriverRig> {
  const rig = await new DriverRig({ maxSequenceKeys }).join();
  rig.plan("writeSequences", { requestMs: 10, answerMs: 0 });
  rig.plan("writeLeases", { requestMs: 10, answerMs: 0 });
  return rig;
}

Deno.test("a call that is refused takes nothing, and those that share its write get theirs", async () => {
  await using rig = await slowLeader(2);
  const { epoch } = rig.leadership;
  const calls = Promise.allSettled([
    rig.driver.advanceDenseBatch([{ key: "a", count: 1 }, { key: "b", count: 2 }], epoch),
    rig.driver.advanceDense({ key: "c", count: 1 }, epoch),
    rig.driver.advanceDense({ key: "b", count: 0 }, epoch),
    rig.driver.advanceDense({ key: "b", count: 5 }, epoch),
  ]);
  await rig.pass(20);
  const [batch, beyond, none, last] = await calls;
  assert.deepEqual(batch, { status: "fulfilled", value: [0n, 0n] });
  assert(beyond.status === "rejected" && beyond.reason.code === "sequence-key-limit");
  assert(none.status === "rejected" && none.reason instanceof RangeError);
  assert.deepEqual(last, { status: "fulfilled", value: 2n });
  assert.equal(rig.engine.sequences.counters.get("b"), 7n);
});

Deno.test("a refusal alone writes nothing", async () => {
  await using rig = await slowLeader(1);
  const { epoch } = rig.leadership;
  const first = rig.driver.advanceDense({ key: "a", count: 1 }, epoch);
  await rig.pass(20);
  await first;
  await assert.rejects(rig.driver.advanceDense({ key: "b", count: 1 }, epoch), {
    code: "sequence-key-limit",
  });
  assert.equal(rig.calls("writeSequences"), 1);
});

Deno.test("calls of an earlier epoch in a group are refused, and do not keep the others", async () => {
  await using rig = await slowLeader();
  const { epoch } = rig.leadership;
  const calls = Promise.allSettled([
    rig.driver.advanceDense({ key: "a", count: 1 }, epoch - 1n),
    rig.driver.advanceDense({ key: "a", count: 1 }, epoch),
    rig.driver.persistLeases([leaseOf(1)], epoch - 1n),
    rig.driver.persistLeases([leaseOf(2)], epoch),
  ]);
  await rig.pass(20);
  const codes = (await calls).map((each) => each.status === "rejected" ? each.reason.code : "done");
  assert.deepEqual(codes, ["fenced", "done", "fenced", "done"]);
  assert.deepEqual(rig.engine.leases.leases, [leaseOf(2)]);
});

Deno.test("a call that is given up before its write begins takes nothing; one whose write is under way is answered", async () => {
  await using rig = await slowLeader();
  const { epoch } = rig.leadership;
  const stop = new AbortController();
  const options = { signal: stop.signal };
  const begun = rig.driver.advanceDense({ key: "a", count: 1 }, epoch, options);
  await rig.pass(5);
  const waiting = rig.driver.advanceDense({ key: "a", count: 1 }, epoch, options);
  const given = assert.rejects(waiting, /enough/);
  stop.abort(new Error("enough"));
  await given;
  await rig.pass(20);
  assert.equal(await begun, 0n);
  assert.equal(rig.engine.sequences.counters.get("a"), 1n);
});

Deno.test("of leases that wait for a write only the last are written, and stand for the others", async () => {
  await using rig = await slowLeader();
  const { epoch } = rig.leadership;
  const first = rig.driver.persistLeases([leaseOf(1)], epoch);
  await rig.pass(5);
  const others = [2, 3, 4].map((id) => rig.driver.persistLeases([leaseOf(id)], epoch));
  await rig.pass(30);
  await Promise.all([first, ...others]);
  assert.equal(rig.calls("writeLeases"), 2);
  assert.deepEqual(rig.engine.leases.leases, [leaseOf(4)]);
});

Deno.test("nothing is taken before the store is prepared, and the call is told so in time", async () => {
  await using rig = new DriverRig();
  rig.plan("prepare", LOST);
  const call = assert.rejects(rig.driver.advanceDense({ key: "a", count: 1 }, 1n), {
    code: "unavailable",
    message: /this call wrote nothing/,
  });
  const load = assert.rejects(rig.driver.loadHighWater(), { code: "unavailable" });
  await rig.pass(4_100);
  await Promise.all([call, load]);
  assert.equal(rig.calls("writeSequences"), 0);
});

Deno.test("the store is prepared once, for all who need it at a time", async () => {
  await using rig = new DriverRig();
  rig.plan("prepare", { requestMs: 20, answerMs: 20 });
  const loads = Promise.all([rig.driver.loadHighWater(), rig.driver.loadLeases()]);
  await rig.join();
  await rig.pass(50);
  assert.deepEqual(await loads, [0, []]);
  assert.equal(rig.state(), "leader");
  assert.equal(rig.calls("prepare"), 1);
});
