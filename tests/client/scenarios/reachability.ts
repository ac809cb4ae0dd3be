// SPDX-License-Identifier: Apache-2.0

import { expect, expectFailure, expectSame } from "./_support/expect.ts";
import type { Scenario } from "./_support/scenario.ts";
import { Witness } from "./_support/witness.ts";

/** An endpoint that refuses connections. */
export const firstEndpointDead: Scenario = {
  name: "a dead first endpoint is passed over",
  async run(scene) {
    const cluster = await scene.open({});
    const endpoints = [scene.deadAddress(), cluster.address(0)];
    const client = scene.connect({ cluster, endpoints });
    const witness = new Witness(client);
    await Promise.all([witness.getTs(), witness.getTsBatch(5)]);
    expectSame(client.cachedLeader, cluster.address(0), "the leader");
    witness.check();
  },
};

/** No endpoint at all. */
export const allEndpointsDead: Scenario = {
  name: "where every endpoint is dead, all callers learn it: unreachable",
  async run(scene) {
    const cluster = await scene.open();
    const endpoints = [0, 1, 2].map((index) => scene.deadAddress(index));
    const retry = { maxAttempts: 5, baseBackoffMs: 1 };
    const client = scene.connect({ cluster, endpoints, retry });
    const calls = Array.from({ length: 20 }, () => expectFailure(client.getTs(), "unreachable"));
    for (const error of await Promise.all(calls)) {
      expect(/127\.9\.9\.9:\d+/.test(error.message), `no endpoint is named: ${error.message}`);
    }
  },
};

/** Statuses that another attempt, or another server, may not give. */
export const failingServers: readonly Scenario[] = (["unavailable", "internal"] as const).map(
  (code) => ({
    name: `a server that answers ${code.toUpperCase()} is left for the next one`,
    async run(scene) {
      const cluster = await scene.open({ then: { do: "fail", code } }, {});
      await cluster.elect(1);
      const client = scene.connect({ cluster });
      const witness = new Witness(client);
      await Promise.all([witness.getTs(), witness.getTsBatch(5)]);
      await witness.getTs();
      expectSame(await cluster.calls(0), 1, "calls to the failing server");
      expectSame(client.cachedLeader, cluster.address(1), "the leader");
      witness.check();
    },
  }),
);

/** A port that accepts and says nothing, as a stopped process does. */
export const frozenServer: Scenario = {
  name: "a server that accepts connections and says nothing is left for the next one",
  async run(scene) {
    const cluster = await scene.open({}, {});
    await cluster.elect(1);
    await cluster.do("freeze", 0);
    const client = scene.connect({ cluster, retry: { attemptTimeoutMs: 1_000 } });
    const witness = new Witness(client);
    await Promise.all([witness.getTs(), witness.getTsBatch(5)]);
    expectSame(client.cachedLeader, cluster.address(1), "the leader");
    witness.check();
  },
};

/** A process that hangs, or a machine that is gone without a word. */
export const silentServer: Scenario = {
  name: "a server that never answers is left for the next endpoint after one attempt",
  async run(scene) {
    const cluster = await scene.open({ then: { do: "silence" } }, {});
    await cluster.elect(1);
    // An answer that came later than that would be asked for again, and of the silent server, too.
    const client = scene.connect({ cluster, retry: { attemptTimeoutMs: 3_000 } });
    const witness = new Witness(client);
    await witness.getTs();
    await witness.getTs();
    expectSame(await cluster.calls(0), 1, "calls to the silent server");
    expectSame(client.cachedLeader, cluster.address(1), "the leader");
    witness.check();
  },
};

/** The network ends in the midst of a connection that was in use. */
export const halfOpenConnection: Scenario = {
  name: "a connection that goes dead under load is left for the next leader, and no call fails",
  async run(scene) {
    const cluster = await scene.open({}, {});
    const client = scene.connect({ cluster, retry: { attemptTimeoutMs: 1_000 } });
    const witness = new Witness(client);
    const load = scene.load(8, () => witness.getTs());
    await load.more(50);
    await cluster.do("freeze", 0);
    await cluster.elect(1);
    await load.more(50);
    expectSame(client.cachedLeader, cluster.address(1), "the leader");
    await load.finish();
    witness.check();
  },
};

/** A connection that breaks at the worst moment. */
export const cutConnections: Scenario = {
  name:
    "a connection cut before and within an answer: the call is repeated, and nothing comes twice",
  async run(scene) {
    const cluster = await scene.open({
      script: [
        { do: "lead" },
        { do: "cut", when: "before" },
        { do: "lead" },
        { do: "cut", when: "midway" },
      ],
    });
    const client = scene.connect({ cluster });
    const witness = new Witness(client);
    for (let call = 0; call < 4; call++) await witness.getTsBatch(10);
    expect(await cluster.calls(0) >= 6, "nothing was cut");
    witness.check();
  },
};

/** A server that is restarted, on the same port. */
export const restarts: Scenario = {
  name: "restarts of the only server under load, and connections reset, fail no call",
  async run(scene) {
    const cluster = await scene.open({});
    const client = scene.connect({ cluster, retry: { baseBackoffMs: 10 } });
    const witness = new Witness(client);
    const load = scene.load(16, () => witness.getTs());
    for (let restart = 0; restart < 4; restart++) {
      await load.more(100);
      await cluster.do("down", 0);
      await cluster.do("up", 0);
      await load.more(100);
      await cluster.do("reset", 0);
    }
    await load.more(100);
    await load.finish();
    witness.check();
  },
};
