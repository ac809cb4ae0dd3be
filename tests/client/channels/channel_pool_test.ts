// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { ChannelPool, MAX_HINT_CHANNELS } from "../../../src/client/channels/channel_pool.ts";
import { ManualClock, settle } from "../../../src/testing/manual_clock.ts";
import { CallerRig } from "../_support/caller_rig.ts";
import {
  failing,
  inTurn,
  leaderOf,
  notLeader,
  resetConnection,
  ScriptedServers,
  silent,
} from "../_support/scripted_servers.ts";

function address(name: string, configured = false) {
  return { name, origin: `http://${name}`, tls: undefined, configured };
}

function poolRig() {
  const servers = new ScriptedServers();
  return { servers, pool: new ChannelPool(servers.connect) };
}

function hinted(n: number) {
  return address(`h${n}:1`);
}

Deno.test("ChannelPool.take() opens one channel for each endpoint, when it is first used", () => {
  const { servers, pool } = poolRig();
  assert.deepEqual(servers.opened, []);
  const channel = pool.take(address("a:1"));
  assert.equal(pool.take(address("a:1")), channel);
  assert.notEqual(pool.take(address("b:1")), channel);
  assert.deepEqual(servers.opened.map(({ origin }) => origin), ["http://a:1", "http://b:1"]);
});

Deno.test("ChannelPool.take() keeps nothing of a channel that could not be opened", () => {
  let tries = 0;
  const { servers } = poolRig();
  const pool = new ChannelPool((target) => {
    if (++tries === 1) throw new Error("not yet");
    return servers.connect(target);
  });
  assert.throws(() => pool.take(address("a:1")), /not yet/);
  pool.take(address("a:1"));
});

Deno.test("ChannelPool.evict() drops exactly the channel that was used", () => {
  const { servers, pool } = poolRig();
  const old = pool.take(address("a:1"));
  pool.evict(old);
  assert.deepEqual(servers.closed, ["http://a:1"]);
  const renewed = pool.take(address("a:1"));
  pool.evict(old);
  assert.equal(pool.take(address("a:1")), renewed);
  assert.deepEqual(servers.closed, ["http://a:1"]);
});

Deno.test("ChannelPool.evict() lets calls end that are still on the channel", () => {
  const { servers, pool } = poolRig();
  const channel = pool.take(address("a:1"));
  channel.enter(0);
  channel.enter(0);
  pool.evict(channel);
  channel.leave(0);
  assert.deepEqual(servers.closed, []);
  channel.leave(0);
  assert.deepEqual(servers.closed, ["http://a:1"]);
});

Deno.test("ChannelPool.take() keeps the 8 channels of hints that were used last", () => {
  const { servers, pool } = poolRig();
  pool.take(address("a:1", true));
  for (let n = 0; n < MAX_HINT_CHANNELS; n++) pool.take(hinted(n));
  assert.equal(servers.closed.length, 0);
  pool.take(hinted(0));
  pool.take(hinted(8));
  assert.deepEqual(servers.closed, ["http://h1:1"]);
  pool.take(hinted(9));
  assert.deepEqual(servers.closed, ["http://h1:1", "http://h2:1"]);
  for (let n = 20; n < 40; n++) pool.take(hinted(n));
  assert.equal(servers.opened.length - servers.closed.length, MAX_HINT_CHANNELS + 1);
  assert.equal(servers.closed.includes("http://a:1"), false);
});

Deno.test("ChannelPool.close() closes everything at once, calls or not", () => {
  const { servers, pool } = poolRig();
  pool.take(address("a:1")).enter(0);
  pool.take(address("b:1"));
  pool.close();
  pool.close();
  assert.deepEqual(servers.closed, ["http://a:1", "http://b:1"]);
});

Deno.test("LeaderCaller.getTs() opens a new connection after one that failed, and looks the name up again", async () => {
  const rig = new CallerRig(["a:1"]);
  rig.servers.on("a:1", inTurn(leaderOf(1n), resetConnection, leaderOf(1n, 2_000)));
  await rig.getTs();
  await rig.getTs();
  assert.equal(rig.servers.opened.length, 2);
  assert.deepEqual(rig.servers.closed, ["http://a:1"]);
});

Deno.test("LeaderCaller.getTs() leaves other calls alone when one of them finds the server slow", async () => {
  const rig = new CallerRig(["a:1"]);
  rig.servers.on("a:1", inTurn(leaderOf(1n), silent, silent));
  await rig.getTs();
  const slow = rig.caller.getTs(1, rig.call({ timeoutMs: 2_000 }));
  await rig.clock.advance(1_500);
  const other = rig.caller.getTs(1, rig.call({ timeoutMs: 2_000 }));
  const both = [assert.rejects(slow), assert.rejects(other)];
  await rig.clock.advance(1_000);
  assert.deepEqual(rig.servers.closed, []);
  await rig.clock.advance(1_000);
  await Promise.all(both);
  assert.deepEqual(rig.servers.closed, ["http://a:1"]);
});

Deno.test("LeaderCaller.getTs() opens a new connection also if its timer fires a millisecond early", async () => {
  const clock = new ManualClock();
  const rig = new CallerRig(["a:1"], {
    clock: {
      nowMs: () => clock.nowMs(),
      monotonicMs: () => clock.monotonicMs(),
      delay: (ms, options) => clock.delay(Math.max(0, ms - 1), options),
    },
  });
  rig.servers.on("a:1", inTurn(leaderOf(1n), silent, leaderOf(1n, 2_000)));
  await rig.caller.getTs(1, rig.call());
  const next = rig.caller.getTs(1, rig.call());
  await settle();
  await clock.advance(2_100);
  await next;
  assert.deepEqual(rig.servers.closed, ["http://a:1"]);
});

Deno.test("LeaderCaller.getTs() holds few channels however many servers hints name", async () => {
  const rig = new CallerRig(["a:1"], { retry: { baseBackoffMs: 1 } });
  let n = 0;
  const next = failing(() => notLeader({ endpoint: `h${++n}:1`, epoch: BigInt(n) }));
  rig.servers.on("a:1", next);
  for (let host = 1; host < 100; host++) rig.servers.on(`h${host}:1`, next);
  await assert.rejects(rig.getTs(), { code: "no-leader" });
  assert.ok(rig.servers.opened.length - rig.servers.closed.length <= MAX_HINT_CHANNELS + 1);
  assert.equal(rig.servers.closed.includes("http://a:1"), false);
});
