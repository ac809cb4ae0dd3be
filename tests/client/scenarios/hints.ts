// SPDX-License-Identifier: Apache-2.0

import type { Hint } from "../_scripted/script.ts";
import { expect, expectFailure, expectSame } from "./_support/expect.ts";
import type { Scenario } from "./_support/scenario.ts";
import type { Scene } from "./_support/scene.ts";
import { Witness } from "./_support/witness.ts";

/** More than all redirects of a call (behaviour.md 6.4). */
const MAX_CALLS_OF_A_LOOP = 70;

/** A follower's hint. */
export const followsHint: Scenario = {
  name: "a follower's hint leads to the leader, to whom later calls go at once",
  async run(scene) {
    const cluster = await scene.open({}, {}, {});
    await cluster.elect(2);
    const client = scene.connect({ cluster, endpoints: [cluster.address(0)] });
    const witness = new Witness(client);
    await witness.getTs();
    expectSame(client.cachedLeader, cluster.address(2), "the leader");
    await witness.getTs();
    expectSame(await cluster.calls(0), 1, "calls to the follower");
    expectSame(await cluster.calls(1), 0, "calls to a server that nobody named");
    expectSame(await cluster.calls(2), 2, "calls to the leader");
    witness.check();
  },
};

/** An election: nobody leads, and then somebody does. */
async function rideOut(scene: Scene, hint: Hint): Promise<void> {
  const follower = { script: Array(3).fill({ do: "not-leader", hint }) } as const;
  const cluster = await scene.open(follower, follower);
  await cluster.elect(1);
  const client = scene.connect({ cluster });
  const witness = new Witness(client);
  await witness.getTs();
  expectSame(client.cachedLeader, cluster.address(1), "the leader");
  witness.check();
}

/** A server that knows no leader, with and without a trailer. */
export const electionWithoutLeader: readonly Scenario[] = (["empty", "absent"] as const).map(
  (kind) => ({
    name: `an election is ridden out: the hint is ${kind} until there is a leader`,
    run: (scene) => rideOut(scene, { kind }),
  }),
);

/** An election that ends only when the scenario says so. */
export const longElection: Scenario = {
  name: "callers wait while nobody leads, and are served when the election ends",
  async run(scene) {
    const cluster = await scene.open({}, {});
    await cluster.elect();
    const client = scene.connect({ cluster, retry: { baseBackoffMs: 10 } });
    const witness = new Witness(client);
    const waiting = Promise.all([witness.getTs(), witness.getTsBatch(10)]);
    waiting.catch(() => {});
    await cluster.arrived(0, 3);
    await cluster.elect(1);
    await waiting;
    expectSame(client.cachedLeader, cluster.address(1), "the leader");
    witness.check();
  },
};

/** Hints that nobody can use. */
export const unusableHints: readonly Scenario[] = ([
  ["malformed bytes", { kind: "bytes", hex: "ffffffff" }],
  ["a scheme", { kind: "endpoint", endpoint: "http://127.0.0.1:50551" }],
  ["no port", { kind: "endpoint", endpoint: "leader.example" }],
] as const).map(([what, hint]) => ({
  name: `a hint with ${what} is passed over, and the next endpoint asked`,
  async run(scene) {
    const cluster = await scene.open({ then: { do: "not-leader", hint } }, {});
    await cluster.elect(1);
    const client = scene.connect({ cluster });
    const witness = new Witness(client);
    await witness.getTs();
    await witness.getTs();
    expectSame(await cluster.calls(0), 1, "calls to the server with the hint");
    expectSame(client.cachedLeader, cluster.address(1), "the leader");
    witness.check();
  },
}));

/** Servers that name each other, or themselves. */
export const hintLoops: readonly Scenario[] = ([
  ["each other", [1, 0]],
  ["themselves", [0, 1]],
] as const).map(([whom, [first, second]]) => ({
  name: `servers that name ${whom} as the leader end in an error, not in a storm`,
  async run(scene) {
    const cluster = await scene.open(
      { then: { do: "not-leader", hint: { kind: "server", server: first } } },
      { then: { do: "not-leader", hint: { kind: "server", server: second } } },
    );
    const client = scene.connect({ cluster, retry: { timeoutMs: 3_000 } });
    const error = await expectFailure(client.getTs(), "no-leader");
    expect(/127\.0\.0\.1:\d+/.test(error.message), `no endpoint is named: ${error.message}`);
    const { length } = await cluster.log();
    expect(length <= MAX_CALLS_OF_A_LOOP, `${length} requests for one call`);
  },
}));

/** A hint at a server that is gone. */
export const hintToDeadHost: Scenario = {
  name: "a hint to a dead host costs an attempt, and the leader is found all the same",
  async run(scene) {
    const endpoint = scene.deadAddress();
    const cluster = await scene.open({
      script: [{ do: "not-leader", hint: { kind: "endpoint", endpoint, epoch: "0" } }],
    }, {});
    await cluster.elect(1);
    const client = scene.connect({ cluster });
    const witness = new Witness(client);
    await witness.getTs();
    expectSame(client.cachedLeader, cluster.address(1), "the leader");
    witness.check();
  },
};

/** A follower that is behind. */
export const staleHint: Scenario = {
  name: "a follower that still names the old leader does not take the client back to it",
  async run(scene) {
    const hint = { kind: "server", server: 0, epoch: "1" } as const;
    const cluster = await scene.open({}, { then: { do: "not-leader", hint } }, {});
    const endpoints = [cluster.address(1), cluster.address(2)];
    const client = scene.connect({ cluster, endpoints });
    const witness = new Witness(client);
    await witness.getTs();
    expectSame(client.cachedLeader, cluster.address(0), "the first leader");
    await cluster.elect(2);
    await witness.getTs();
    expectSame(client.cachedLeader, cluster.address(2), "the second leader");
    const before = await cluster.calls(0);
    await cluster.do("down", 2);
    const waiting = witness.getTs();
    waiting.catch(() => {});
    await cluster.arrived(1, 3);
    await cluster.do("up", 2);
    await waiting;
    expectSame(await cluster.calls(0), before, "calls to the old leader");
    witness.check();
  },
};
