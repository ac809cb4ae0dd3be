// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { TsoClient } from "../../../src/client/web.ts";
import { ManualClock } from "../../../src/testing/manual_clock.ts";
import { leaderOf, ScriptedServers, silent } from "../_support/scripted_servers.ts";
import type { Script } from "../_support/scripted_servers.ts";

const ATTEMPT_MS = 2_000;
/** How long a caller waits. One may have begun just before the silence was long enough to be sure. */
const CALLER_MS = 1_000;

/** A leader whose connection goes silent, and another server that leads from then on. */
class SilentLeaderRig {
  readonly clock = new ManualClock();
  readonly servers = new ScriptedServers();
  readonly client: TsoClient;
  #isSilent = false;

  constructor() {
    const { clock, servers } = this;
    const [timestamps, others] = [leaderOf(1n), leaderOf(2n, 5_000)];
    servers.on("a:1", (call) => this.#isSilent ? silent() : answer(timestamps, call, 1n));
    servers.on("b:1", (call) => answer(others, call, 2n));
    this.client = new TsoClient({
      endpoints: ["a:1", "b:1"],
      connect: servers.connect,
      clock,
      random: () => 0,
      retry: { attemptTimeoutMs: ATTEMPT_MS },
    });
  }

  /** Takes a timestamp from the first server, which answers nothing from then on. */
  async goSilent(): Promise<void> {
    await this.client.getTs();
    assert.equal(this.client.cachedLeader, "a:1");
    this.#isSilent = true;
  }

  /** Makes a call each 100 ms. Returns how long it took until one of them was answered. */
  async recoveryMs(call: () => Promise<unknown>): Promise<number> {
    const beganMs = this.clock.monotonicMs();
    let answered = false;
    const calls: Promise<void>[] = [];
    while (!answered && this.clock.monotonicMs() - beganMs < 60_000) {
      calls.push(call().then(() => void (answered = true), () => {}));
      await this.clock.advance(100);
    }
    const tookMs = this.clock.monotonicMs() - beganMs;
    await this.clock.advance(10_000);
    await Promise.all(calls);
    return tookMs;
  }
}

function answer(timestamps: Script, call: Parameters<Script>[0], epoch: bigint): unknown {
  const { method, request } = call;
  if (method === "getTs") return timestamps(call);
  return { ...request, start: 1n, epoch: { hi: 0n, lo: epoch } };
}

Deno.test("TsoClient.getTs() leaves a silent leader although every caller leaves before the attempt is over", async () => {
  const rig = new SilentLeaderRig();
  await rig.goSilent();
  const tookMs = await rig.recoveryMs(() => rig.client.getTs({ timeoutMs: CALLER_MS }));
  assert.ok(tookMs >= ATTEMPT_MS && tookMs <= ATTEMPT_MS + CALLER_MS, `${tookMs} ms`);
  assert.equal(rig.client.cachedLeader, "b:1");
  assert.ok(rig.servers.closed.includes("http://a:1"));
  await rig.client.close();
});

Deno.test("TsoClient.getSeq() with a short signal leaves a silent leader", async () => {
  const rig = new SilentLeaderRig();
  await rig.goSilent();
  const tookMs = await rig.recoveryMs(() => {
    const leave = new AbortController();
    void rig.clock.delay(300).then(() => leave.abort());
    return rig.client.getSeq("orders", 1, { signal: leave.signal });
  });
  assert.ok(tookMs >= ATTEMPT_MS && tookMs <= ATTEMPT_MS + 500, `${tookMs} ms`);
  await rig.client.close();
});

Deno.test("TsoClient.getTs() keeps a leader that hurried callers left before it could answer", async () => {
  const rig = new SilentLeaderRig();
  await rig.goSilent();
  for (let call = 0; call < 10; call++) {
    const left = assert.rejects(rig.client.getTs({ timeoutMs: 10 }));
    await rig.clock.advance(10);
    await left;
    await rig.clock.advance(1_000);
  }
  assert.equal(rig.client.cachedLeader, "a:1");
  assert.deepEqual(rig.servers.closed, []);
  await rig.client.close();
});
