// SPDX-License-Identifier: Apache-2.0

import { WentBackError } from "../../../src/client/errors.ts";
import { expect, expectFailure, expectSame } from "./_support/expect.ts";
import type { Scenario } from "./_support/scenario.ts";
import { Witness } from "./_support/witness.ts";

const LONG_AGO = { do: "grant", physicalMs: 1_000, logicalStart: 0, epoch: "1" } as const;

/** Leaders come and go. */
export const changesUnderLoad: Scenario = {
  name: "changes of the leader under load fail no call and keep the order",
  async run(scene) {
    const cluster = await scene.open({}, {}, {});
    const client = scene.connect({ cluster, retry: { baseBackoffMs: 10 } });
    const witness = new Witness(client);
    let turn = 0;
    const load = scene.load(
      16,
      () => turn++ % 4 === 0 ? witness.getTsBatch(100) : witness.getTs(),
    );
    for (const leader of [1, 2, 0, 2]) {
      await load.more(100);
      await cluster.elect();
      await cluster.elect(leader);
    }
    await load.more(100);
    await load.finish();
    expectSame(client.cachedLeader, cluster.address(2), "the leader");
    witness.check();
  },
};

/** The old leader goes down with the change. */
export const failovers: Scenario = {
  name: "leaders that die under load fail no call and keep the order",
  async run(scene) {
    const cluster = await scene.open({}, {}, {});
    const client = scene.connect({
      cluster,
      retry: { baseBackoffMs: 10, attemptTimeoutMs: 2_000 },
    });
    const witness = new Witness(client);
    const load = scene.load(16, () => witness.getTs());
    for (const [dying, heir] of [[0, 1], [1, 2], [2, 0]] as const) {
      await load.more(100);
      await cluster.do("down", dying);
      await cluster.elect(heir);
      await load.more(100);
      await cluster.do("up", dying);
    }
    await load.finish();
    witness.check();
  },
};

/** The answers of two batches cross, with a change of the leader between their grants. */
export const crossedAnswers: Scenario = {
  name: "answers that cross over a change of epoch are no step back",
  async run(scene) {
    const cluster = await scene.open({
      script: [{ do: "lead" }, { do: "lead", hold: "after-grant" }],
    });
    const client = scene.connect({ cluster, maxInFlight: 2 });
    const witness = new Witness(client);
    await witness.getTs();
    const early = witness.getTs();
    early.catch(() => {});
    await cluster.arrived(0, 2);
    await cluster.elect(0);
    const late = await witness.getTs();
    expectSame(late.epoch, 2n, "the epoch of the later batch");
    await cluster.do("release", 0);
    const value = await early;
    expectSame(value.epoch, 1n, "the epoch of the earlier batch");
    expect(value < late, "the earlier batch has the greater value");
    expectSame(await cluster.calls(0), 3, "requests");
    witness.check();
  },
};

/** A server that has lost its memory, and two that have not. */
export const wentBack: Scenario = {
  name: "an answer that goes back is refused, and its server not asked while there is another",
  async run(scene) {
    const cluster = await scene.open(
      { script: [{ do: "lead" }], then: LONG_AGO },
      { then: { do: "lead" } },
      { then: { do: "lead" } },
    );
    const client = scene.connect({ cluster });
    const witness = new Witness(client);
    for (let call = 0; call < 3; call++) await witness.getTs();
    expectSame(client.cachedLeader, cluster.address(1), "the leader");
    await cluster.do("down", 1);
    // The turn of the first endpoint has come again.
    await witness.getTs();
    expectSame(await cluster.calls(0), 2, "calls to the server that went back");
    expectSame(await cluster.calls(2), 1, "calls to the third server");
    witness.check();
  },
};

/** A server that has lost its memory, alone. */
export const wentBackAlone: Scenario = {
  name: "an answer that goes back is refused where there is no other endpoint",
  async run(scene) {
    const cluster = await scene.open({ script: [{ do: "lead" }], then: LONG_AGO });
    const client = scene.connect({ cluster, retry: { maxAttempts: 2 } });
    await client.getTs();
    const error = await expectFailure(client.getTs(), "bad-response");
    expect(error instanceof WentBackError, `${error.name} is not a WentBackError`);
  },
};

/** An answer that is not what was asked for. */
export const wrongCount: Scenario = {
  name: "an answer with more timestamps than were asked for is refused",
  async run(scene) {
    const cluster = await scene.open(
      { then: { do: "lead", surplus: 1 } },
      { then: { do: "lead" } },
    );
    const endpoints = [cluster.address(0)];
    const retry = { maxAttempts: 2 };
    const client = scene.connect({ cluster, endpoints, retry });
    await expectFailure(client.getTs(), "bad-response");
  },
};
