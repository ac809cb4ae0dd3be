// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { FollowerEvent } from "../../src/consensus/driver.ts";
import { LEADER_HINT_KEY, leaderHintMetadata } from "../../src/rpc/leader_hint.ts";
import { ioTest } from "../_support/levels.ts";
import { recordLogs } from "../_support/logs.ts";
import { grpcGetTs, H2Client } from "./_support/h2_client.ts";
import { ServerRig } from "./_support/server_rig.ts";
import { soon, until } from "./_support/until.ts";

const SUCCESSOR: FollowerEvent = {
  kind: "follower",
  leaderEndpoint: { host: "10.0.0.7", port: 50_551 },
  leaderEpoch: 2n,
};

/** Asks over a connection of its own; returns the hint of the refusal. */
async function hintOf(rig: ServerRig): Promise<unknown> {
  await using client = new H2Client(rig.url(""));
  const { headers, trailers } = await client.call(grpcGetTs());
  const status = { ...headers, ...trailers };
  assert.equal(status["grpc-status"], "9");
  return status[LEADER_HINT_KEY];
}

ioTest(
  "close() answers while the leadership is handed over, and then sends callers to the successor",
  async () => {
    await using rig = await ServerRig.start();
    const { oracle, driver } = rig.node;
    await using client = new H2Client(rig.url(""));
    const closed = rig.server.close({ handOver: () => oracle.handOver() });
    await driver.untilResignations(1);
    assert.equal(await hintOf(rig), "");
    const ready = await fetch(rig.url("/readyz"));
    assert.deepEqual([ready.status, await ready.text()], [
      503,
      "not ready: the server is shutting down\n",
    ]);
    driver.announce(SUCCESSOR);
    await until("the successor", () => "leaderEpoch" in oracle.state);
    assert.equal(await hintOf(rig), leaderHintMetadata(SUCCESSOR)[LEADER_HINT_KEY]);
    assert.deepEqual(client.goaways, []);
    assert.deepEqual(await soon("the close", closed), { kind: "closed" });
    assert.equal(client.goaways.length, 1);
  },
);

ioTest("close() does not wait for callers if no successor is known", async () => {
  await using rig = await ServerRig.start();
  assert.deepEqual(
    await soon("the close", rig.server.close({ handOver: () => Promise.resolve(false) })),
    { kind: "closed" },
  );
});

ioTest("close() closes although the hand-over fails", async () => {
  await using logs = await recordLogs();
  await using rig = await ServerRig.start();
  const handOver = () => Promise.reject(new Error("no engine"));
  assert.deepEqual(await soon("the close", rig.server.close({ handOver })), { kind: "closed" });
  assert(logs.records.some(({ level }) => level === "error"));
});

ioTest(
  "close() lets the lame-duck time and the hand-over run side by side, and waits for both",
  async () => {
    await using rig = await ServerRig.start({ lameDuckMs: 50 });
    const handedOver = Promise.withResolvers<boolean>();
    await using client = new H2Client(rig.url(""));
    const closed = rig.server.close({ handOver: () => handedOver.promise });
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal((await client.call(grpcGetTs())).trailers["grpc-status"], "0");
    handedOver.resolve(false);
    await soon("the close", closed);
  },
);
