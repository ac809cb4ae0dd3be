// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { TransientError } from "../../../src/consensus/errors.ts";
import { ETCD_MISSING, EtcdCluster } from "../../_support/engines/etcd_cluster.ts";
import { ioTestNeeding } from "../../_support/levels.ts";
import { CALM, openStore, whileElecting } from "./_support/etcd_rig.ts";

const THREE = { members: 3 } as const;

ioTestNeeding(
  ETCD_MISSING,
  "a call to a paused member ends in time, and the next goes to another",
  async () => {
    await using cluster = await EtcdCluster.start(THREE);
    await using store = openStore({ urls: cluster.endpoints });
    await store.prepare(CALM);
    cluster.member(0).pause();
    await assert.rejects(store.readStanding({ timeoutMs: 400 }), (error) => {
      assert.ok(error instanceof TransientError);
      assert.match(error.message, /^etcd at http:.*: no answer within 400 ms$/);
      return true;
    });
    await whileElecting(cluster.member(0).endpoint, () => store.readStanding(CALM));
    cluster.member(0).resume();
  },
);

ioTestNeeding(
  ETCD_MISSING,
  "a call that waits for a paused member ends soon after another call has found out",
  async () => {
    await using cluster = await EtcdCluster.start(THREE);
    await using store = openStore({ urls: cluster.endpoints });
    await store.prepare(CALM);
    cluster.member(0).pause();
    const waiting = assert.rejects(store.readStanding(CALM), (error) => {
      assert.ok(error instanceof TransientError);
      assert.match(error.message, /: the peer did not answer a ping within 500 ms$/);
      return true;
    });
    await assert.rejects(store.readStanding({ timeoutMs: 200 }), TransientError);
    await waiting;
    cluster.member(0).resume();
  },
);

ioTestNeeding(
  ETCD_MISSING,
  "a call passes over members that cannot be reached, also paused ones",
  async () => {
    await using cluster = await EtcdCluster.start({ ...THREE, members: 5 });
    await using store = openStore({ urls: cluster.endpoints });
    await cluster.member(0).kill();
    cluster.member(1).pause();
    const { endpoint } = cluster.member(1);
    await whileElecting(endpoint, () => store.prepare({ timeoutMs: 10_000 }));
    cluster.member(1).resume();
  },
);

ioTestNeeding(
  ETCD_MISSING,
  "a member that lost its cluster says so, and the call goes to another",
  async () => {
    await using cluster = await EtcdCluster.start(THREE);
    await using store = openStore({ urls: [cluster.member(0).endpoint] });
    await store.prepare(CALM);
    await Promise.all([cluster.member(1).kill(), cluster.member(2).kill()]);
    await assert.rejects(store.readStanding({ timeoutMs: 2_000 }), TransientError);
    cluster.member(1).start();
    cluster.member(2).start();
    await cluster.healthy();
    await whileElecting("nobody", () => store.readStanding(CALM));
  },
);

ioTestNeeding(ETCD_MISSING, "a call ends by its signal, with the signal's reason", async () => {
  await using cluster = await EtcdCluster.start();
  await using store = openStore({ urls: cluster.endpoints });
  await store.prepare(CALM);
  cluster.member(0).pause();
  const caller = new AbortController();
  const pending = store.readStanding({ ...CALM, signal: caller.signal });
  const reason = new Error("nobody waits");
  setTimeout(() => caller.abort(reason), 20);
  await assert.rejects(pending, reason);
  await assert.rejects(store.readStanding({ ...CALM, signal: caller.signal }), reason);
  cluster.member(0).resume();
});

ioTestNeeding(ETCD_MISSING, "close() ends calls that are under way", async () => {
  await using cluster = await EtcdCluster.start();
  const store = openStore({ urls: cluster.endpoints });
  await store.prepare(CALM);
  cluster.member(0).pause();
  const pending = store.readStanding(CALM);
  setTimeout(() => store.close(), 20);
  await assert.rejects(pending, /the etcd driver is closed/);
  await assert.rejects(store.readStanding(CALM), /the etcd driver is closed/);
  cluster.member(0).resume();
});
