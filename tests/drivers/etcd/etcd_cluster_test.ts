// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { ETCD_MISSING, EtcdCluster, ETCDCTL_MISSING } from "../../_support/engines/etcd_cluster.ts";
import { ioTestNeeding } from "../../_support/levels.ts";

ioTestNeeding(
  ETCD_MISSING,
  "three members elect another leader when theirs is killed",
  async () => {
    await using cluster = await EtcdCluster.start({
      members: 3,
      heartbeatMs: 20,
      electionMs: 200,
    });
    const first = await cluster.leader();
    await first.kill();
    const second = await cluster.leader();
    assert.notEqual(second.name, first.name);
    second.pause();
    first.start();
    const third = await cluster.leader();
    assert.notEqual(third.name, second.name);
    second.resume();
    await cluster.healthy();
  },
);

ioTestNeeding(
  ETCDCTL_MISSING,
  "a member keeps its data over a kill, and a snapshot holds it",
  async () => {
    await using cluster = await EtcdCluster.start();
    await cluster.etcdctl("put", "name", "value");
    await cluster.member(0).kill();
    cluster.member(0).start();
    await cluster.healthy();
    await cluster.compact();
    assert.match(await cluster.etcdctl("get", "name"), /value/);
    await using restored = await EtcdCluster.start({ snapshot: await cluster.saveSnapshot() });
    assert.match(await restored.etcdctl("get", "name"), /value/);
  },
);
