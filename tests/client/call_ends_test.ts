// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { Channel } from "../../src/client/channels/channel.ts";
import { settle } from "../../src/testing/manual_clock.ts";
import { CallerRig } from "./_support/caller_rig.ts";
import { failing, leaderOf, notLeader, silent } from "./_support/scripted_servers.ts";
import { watchListeners } from "./_support/watch_listeners.ts";

const A = "a:1";
const B = "b:1";

/** A state that a call can be in when it is ended, and how it gets there. */
interface State {
  readonly name: string;
  readonly rig: () => CallerRig;
}

function electing(): CallerRig {
  const rig = new CallerRig([A], { random: () => 0.9 });
  rig.servers.on(A, failing(() => notLeader("")));
  return rig;
}

function unreachable(): CallerRig {
  return new CallerRig([A, B], { random: () => 0.9 });
}

function hanging(): CallerRig {
  const rig = new CallerRig([A]);
  rig.servers.on(A, silent);
  return rig;
}

function dialling(): CallerRig {
  const rig: CallerRig = new CallerRig([A], {
    connect: (target): Channel => ({ ...rig.servers.connect(target), dial: silent }),
  });
  rig.servers.on(A, leaderOf(1n));
  return rig;
}

const STATES: readonly State[] = [
  { name: "in an attempt", rig: hanging },
  { name: "in a pause of an election", rig: electing },
  { name: "in a pause after a fault", rig: unreachable },
];

/** Makes the call that a state is about, and waits until it is there. */
async function inState({ rig: make }: State) {
  const rig = make();
  const controller = new AbortController();
  const { signal } = controller;
  const removed = watchListeners(signal);
  const call = rig.caller.getTs(1, rig.call({ signal }));
  call.catch(() => {});
  await settle();
  assert.equal(rig.clock.sleeping, 1);
  return { rig, controller, call, removed };
}

for (const state of STATES) {
  Deno.test(`LeaderCaller.getTs() throws the reason of a signal that fires ${state.name}`, async () => {
    const { rig, controller, call, removed } = await inState(state);
    const asked = rig.servers.calls.length;
    const reason = new Error("enough");
    controller.abort(reason);
    await assert.rejects(call, (error) => error === reason);
    assert.equal(rig.clock.sleeping, 0);
    assert.equal(removed(), 0);
    await rig.clock.advance(20_000);
    assert.equal(rig.servers.calls.length, asked, "nobody is asked afterwards");
    const last = rig.servers.calls.at(-1);
    if (state.rig === hanging) assert.equal(last?.signal?.aborted, true);
  });

  Deno.test(`LeaderCaller.close() ends a call ${state.name}`, async () => {
    const { rig, call } = await inState(state);
    rig.caller.close();
    await assert.rejects(call, { code: "closed" });
    assert.equal(rig.clock.sleeping, 0);
    assert.equal(rig.servers.closed.length, rig.servers.opened.length);
  });
}

Deno.test("LeaderCaller.getTs() asks nobody when its signal has fired before", async () => {
  const rig = hanging();
  const signal = AbortSignal.abort(new Error("too late"));
  await assert.rejects(rig.caller.getTs(1, rig.call({ signal })), /too late/);
  assert.deepEqual(rig.servers.opened, []);
  assert.equal(rig.clock.sleeping, 0);
});

Deno.test("LeaderCaller.getSeq() throws the reason of a signal that fires while the connection is made", async () => {
  const rig = dialling();
  const controller = new AbortController();
  const { signal } = controller;
  const call = rig.caller.getSeq({ key: "a", count: 1 }, rig.call({ signal }));
  call.catch(() => {});
  await settle();
  controller.abort(new Error("enough"));
  await assert.rejects(call, /enough/);
  assert.deepEqual(rig.servers.calls, []);
  assert.equal(rig.clock.sleeping, 0);
});

Deno.test("LeaderCaller.acquireLease() throws the reason of a signal that fires in its attempt", async () => {
  const rig = hanging();
  const controller = new AbortController();
  const claim = { holder: new Uint8Array([1]), holderEpoch: 1n, ttlMs: 5_000 };
  const call = rig.caller.acquireLease(claim, rig.call({ signal: controller.signal }));
  call.catch(() => {});
  await settle();
  controller.abort(new Error("enough"));
  await assert.rejects(call, /enough/);
  assert.equal(rig.clock.sleeping, 0);
});

Deno.test("LeaderCaller.close() refuses later calls, and closing again does nothing", async () => {
  const rig = new CallerRig([A]);
  rig.servers.on(A, leaderOf(1n));
  await rig.getTs();
  rig.caller.close();
  rig.caller.close();
  await assert.rejects(rig.getTs(), { code: "closed" });
  assert.deepEqual(rig.servers.closed, ["http://a:1"]);
  assert.equal(rig.servers.opened.length, 1);
});

Deno.test("LeaderCaller.getTs() leaves no listener and no timer after an answer", async () => {
  const rig = new CallerRig([A]);
  rig.servers.on(A, leaderOf(1n));
  const { signal } = new AbortController();
  const listeners = watchListeners(signal);
  await rig.getTs(1, { signal });
  assert.equal(listeners(), 0);
  assert.equal(rig.clock.sleeping, 0);
});

Deno.test("LeaderCaller.getTs() waits between attempts as the jitter says, in the range of each failure", async () => {
  const rig = new CallerRig([A], { random: () => 0.5, retry: { baseBackoffMs: 100 } });
  const call = assert.rejects(rig.caller.getTs(1, rig.call()), { code: "unreachable" });
  const atMs: number[] = [];
  for (let attempt = 1; attempt < 5; attempt++) {
    await settle();
    atMs.push((rig.clock.nextDueMs ?? 0) - rig.clock.monotonicMs());
    await rig.clock.advance(atMs.at(-1) ?? 0);
  }
  await call;
  assert.deepEqual(atMs, [50, 100, 200, 400]);
});
