// SPDX-License-Identifier: Apache-2.0

import { expect, expectFailure, expectSame, failureOf } from "./_support/expect.ts";
import type { Scenario } from "./_support/scenario.ts";
import { Witness } from "./_support/witness.ts";

/** A caller that leaves. */
export const abortUnderWay: Scenario = {
  name: "a call aborted under way ends with the signal's reason, and the others go on",
  async run(scene) {
    const cluster = await scene.open({
      script: [{ do: "lead", hold: "after-grant" }],
    });
    const client = scene.connect({ cluster });
    const witness = new Witness(client);
    const abort = new AbortController();
    const leaving = failureOf(witness.getTs({ signal: abort.signal }));
    const staying = witness.getTs();
    staying.catch(() => {});
    await cluster.arrived(0, 1);
    const reason = new Error("enough");
    abort.abort(reason);
    expectSame(await leaving, reason, "the error of the one who left");
    await cluster.do("release", 0);
    await staying;
    expectSame(await cluster.calls(0), 1, "requests");
    await witness.getTs();
    witness.check();
  },
};

/** A request that nobody waits for any more. */
export const allLeave: Scenario = {
  name: "a request whose callers have all left makes room for the next one",
  async run(scene) {
    const cluster = await scene.open({ script: [{ do: "silence" }] });
    const client = scene.connect({ cluster, maxInFlight: 1 });
    const witness = new Witness(client);
    const abort = new AbortController();
    const { signal } = abort;
    const leaving = [witness.getTs({ signal }), witness.getTsBatch(7, { signal })].map(failureOf);
    await cluster.arrived(0, 1);
    const next = witness.getTs();
    abort.abort();
    for (const error of await Promise.all(leaving)) {
      expect(error === abort.signal.reason, `an aborted call failed with ${error}`);
    }
    await next;
    expectSame(await cluster.calls(0), 2, "requests");
    witness.check();
  },
};

/** A caller's own time. */
export const timeoutUnderWay: Scenario = {
  name: "a call ends when its timeout is over, while the others wait on",
  async run(scene) {
    const cluster = await scene.open({
      script: [{ do: "lead", hold: "after-grant" }],
    });
    const client = scene.connect({ cluster });
    const witness = new Witness(client);
    const hasty = expectFailure(witness.getTs({ timeoutMs: 50 }), "deadline-exceeded");
    const patient = witness.getTs();
    patient.catch(() => {});
    await hasty;
    await cluster.do("release", 0);
    await patient;
    witness.check();
  },
};

/** The end of the client. */
export const closeUnderLoad: Scenario = {
  name: "close() under load fails every call that waits, and every later one, with closed",
  async run(scene) {
    const cluster = await scene.open({ then: { do: "silence" } });
    const client = scene.connect({ cluster, maxInFlight: 2 });
    const calls = Array.from({ length: 100 }, () => expectFailure(client.getTs(), "closed"));
    await cluster.arrived(0, 1);
    calls.push(expectFailure(client.getTsBatch(5), "closed"));
    await cluster.arrived(0, 2);
    calls.push(expectFailure(client.getTs(), "closed"));
    await client.close();
    await Promise.all(calls);
    await expectFailure(client.getTs(), "closed");
    await expectFailure(client.getSeq("orders"), "closed");
    expectSame(await cluster.calls(0), 2, "requests");
  },
};

/** What is left of a client. */
export const closeLeavesNothing: Scenario = {
  name: "close() under load ends every connection",
  needs: "own-connections",
  async run(scene) {
    const cluster = await scene.open(
      { script: [{ do: "by-role" }], then: { do: "silence" } },
      {},
    );
    await cluster.elect(1);
    const client = scene.connect({ cluster });
    await client.getTs();
    await client.getSeq("orders");
    await cluster.elect(0);
    const waiting = expectFailure(client.getTs(), "closed");
    await cluster.arrived(0, 2);
    await client.close();
    await waiting;
    await cluster.do("idle", 0);
    await cluster.do("idle", 1);
  },
};
