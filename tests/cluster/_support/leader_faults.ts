// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { delay } from "@std/async";
import { scaled } from "../../_support/levels.ts";
import { within } from "../../_support/server_process.ts";
import type { ClusterNode } from "./cluster_node.ts";
import { keepSample } from "./figures.ts";
import type { RecordedCall } from "./history.ts";
import { PinnedCaller } from "./pinned_caller.ts";
import type { Fault, Rig } from "./rig.ts";
import { failOver, leaderOf, standbyOf } from "./rig.ts";

/** Calls of each client between two faults. */
const CALLS = 5;
const WAITING_CALLS = 10;
const ANSWER_LIMIT_MS = 60_000;
const FLAP_MS = 50;
const FLAPS = scaled(10, 20);

/** The leader is killed, and started again. */
export const LEADER_KILLED: Fault = {
  name: "SIGKILL of the leader",
  async strike(rig) {
    const leader = await leaderOf(rig);
    await failOver(rig, this.name, () => leader.kill());
    await leader.start();
    await rig.load.more(CALLS);
  },
};

/** A node that does not lead is killed, and started again. */
export const STANDBY_KILLED: Fault = {
  name: "SIGKILL of a standby",
  async strike(rig) {
    const standby = await standbyOf(rig);
    await standby.kill();
    await rig.load.more(CALLS);
    await standby.start();
  },
};

/**
 * The leader is paused until another node leads. What was sent to it meanwhile, on connections old and new, must not
 * be answered from its old window.
 */
export const LEADER_PAUSED: Fault = {
  name: "SIGSTOP of the leader",
  async strike(rig) {
    const leader = await leaderOf(rig);
    const { history } = rig.load;
    const oldEpoch = history.highestEpoch;
    await using opened = new PinnedCaller(history, leader.index, leader.address);
    await opened.ask().catch(() => {});
    await using fresh = new PinnedCaller(history, leader.index, leader.address);
    const waiting: Promise<RecordedCall | undefined>[] = [];
    const send = () => {
      for (let call = 0; call < WAITING_CALLS; call++) {
        for (const caller of [opened, fresh]) waiting.push(caller.ask().catch(() => undefined));
      }
    };
    await failOver(rig, this.name, async () => {
      await leader.pause();
      send();
    });
    await rig.load.more(CALLS);
    send();
    const granted = highestGrant(history.calls);
    leader.resume();
    const late = () => `node ${leader.index} leaves calls unanswered after its pause`;
    for (const call of await within(Promise.all(waiting), ANSWER_LIMIT_MS, late)) {
      checkLateAnswer(call, { oldEpoch, granted });
    }
    await rig.load.more(CALLS);
  },
};

/** A node that was paused grants nothing under its old term, and nothing below what others granted meanwhile. */
function checkLateAnswer(
  call: RecordedCall | undefined,
  { oldEpoch, granted }: { readonly oldEpoch: bigint; readonly granted: bigint },
): void {
  if (call === undefined) return;
  const told = Deno.inspect(call);
  assert.ok(call.epoch > oldEpoch, `a leader granted after its pause under ${oldEpoch}: ${told}`);
  assert.ok(
    call.firstPacked > granted,
    `a leader granted below ${granted} after its pause: ${told}`,
  );
}

function highestGrant(calls: readonly RecordedCall[]): bigint {
  return calls.reduce((highest, { firstPacked, count }) => {
    const last = firstPacked + BigInt(count) - 1n;
    return last > highest ? last : highest;
  }, -1n);
}

/** Nodes are paused and resumed all the time, 50 ms each, the leader more often than the others. */
export const FLAPPING: Fault = {
  name: "pauses of 50 ms",
  async strike(rig) {
    const leader = await leaderOf(rig);
    for (let flap = 0; flap < FLAPS; flap++) {
      const node = flap % 2 === 0 ? leader : rig.cluster.nodes[rig.random(3)]!;
      await node.pause();
      await delay(FLAP_MS);
      node.resume();
      await delay(rig.random(FLAP_MS));
    }
    await rig.load.more(CALLS);
  },
};

/** A node leads, another one does, and then the first one again. */
export const LEADER_RETURNS: Fault = {
  name: "the same node leads again",
  async strike(rig) {
    const first = await leaderOf(rig);
    await failOver(rig, LEADER_PAUSED.name, () => first.pause());
    first.resume();
    await rig.load.more(CALLS);
    const others = rig.cluster.nodes.filter((node) => node !== first);
    for (const node of others.filter((node) => node !== first)) await endGracefully(node);
    await rig.load.history.next(
      `node ${first.index} to lead again`,
      ({ node }) => node === first.index,
    );
    await Promise.all(others.map((node) => node.start()));
    await rig.load.more(CALLS);
  },
};

/** The leader hands over by SIGTERM, and is started again. */
export const LEADER_STOPPED: Fault = {
  name: "SIGTERM of the leader",
  async strike(rig) {
    const leader = await leaderOf(rig);
    await failOver(rig, this.name, () => endGracefully(leader));
    await leader.start();
    await rig.load.more(CALLS);
  },
};

/** Every node is stopped by SIGTERM and started again, one after the other; no call of a client of ours fails. */
export const ROLLING_RESTART: Fault = {
  name: "rolling restart",
  async strike(rig) {
    const { load } = rig;
    const startMs = load.history.now();
    const calls = clientCallsOf(rig);
    for (const node of rig.cluster.nodes) {
      const leader = await leaderOf(rig);
      if (leader === node) await failOver(rig, LEADER_STOPPED.name, () => endGracefully(node));
      else await endGracefully(node);
      await node.start();
      await load.more(CALLS);
    }
    // Calls that began before may still wait for a leader that the fault before has cut off.
    const failures = load.clientFailures.filter((call) => call.startMs >= startMs);
    await keepSample({
      ...rig.setup,
      kind: "rolling restart",
      calls: clientCallsOf(rig) - calls + failures.length,
      failedCalls: failures.length,
    });
    assert.deepEqual(failures, []);
  },
};

function clientCallsOf({ load }: Rig): number {
  const timestamps = load.history.calls.filter(({ name }) => name.startsWith("client"));
  return timestamps.length + load.ordinals.calls.length;
}

async function endGracefully(node: ClusterNode): Promise<void> {
  const { code } = await node.stop();
  assert.equal(code, 0, `node ${node.index} ended badly: ${node.output}`);
}
