// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { EtcdDriver } from "../../../src/drivers/etcd/driver.ts";
import { EtcdCluster, ETCDCTL_MISSING } from "../../_support/engines/etcd_cluster.ts";
import { ioTestNeeding } from "../../_support/levels.ts";
import { CALM, leadStore, openStore } from "./_support/etcd_rig.ts";

ioTestNeeding(
  ETCDCTL_MISSING,
  "EtcdDriver.restore() puts epochs and high-water above what clients saw after the snapshot",
  async () => {
    await using cluster = await EtcdCluster.start();
    await using store = openStore({ urls: cluster.endpoints, prefix: "one" });
    const before = await leadStore(store);
    await store.persistHighWater(1_000, before.epoch, CALM);
    const snapshot = await cluster.saveSnapshot();
    for (let term = 0; term < 20; term++) await leadStore(store);
    const seen = await leadStore(store);
    await store.persistHighWater(9_000, seen.epoch, CALM);

    await using rolledBack = await EtcdCluster.start({ snapshot });
    await using old = openStore({ urls: rolledBack.endpoints, prefix: "one" });
    assert.equal(await old.loadHighWater(CALM), 1_000);
    const location = { endpoints: rolledBack.endpoints, prefix: "one" };
    const restored = await EtcdDriver.restore({ ...location, atLeastMs: 9_500 });
    assert.deepEqual(restored, {
      incarnation: 9_500n,
      highWaterMs: 9_500,
      sequences: 0,
      leases: 0,
    });
    const next = await leadStore(old);
    assert.ok(next.epoch > seen.epoch, `${next.epoch} is not above ${seen.epoch}`);
    assert.ok(
      BigInt.asUintN(64, next.epoch) < BigInt.asUintN(64, seen.epoch),
      "nothing was set back",
    );
    assert.equal(await old.loadHighWater(CALM), 9_500);
    await assert.rejects(old.persistHighWater(9_900, seen.epoch, CALM), { name: "FencedError" });
    await assert.rejects(old.beat(before.epoch, CALM), { name: "FencedError" });

    await using again = await EtcdCluster.start({ snapshot });
    const second = { endpoints: again.endpoints, prefix: "one" };
    assert.equal((await EtcdDriver.restore({ ...second, atLeastMs: 9_700 })).incarnation, 9_700n);
    await using afterwards = openStore({ urls: again.endpoints, prefix: "one" });
    const later = await leadStore(afterwards);
    assert.ok(later.epoch > next.epoch, "the same snapshot, restored once more");
  },
);

ioTestNeeding(
  ETCDCTL_MISSING,
  "EtcdDriver.restore() refuses where no oracle is, and numbers that are none",
  async () => {
    await using cluster = await EtcdCluster.start();
    const location = { endpoints: cluster.endpoints };
    await assert.rejects(EtcdDriver.restore({ ...location, atLeastMs: 1 }), {
      name: "PermanentError",
      message: /of etcd: it is missing/,
    });
    await using store = openStore({ urls: cluster.endpoints, prefix: "tsoracle" });
    await store.prepare(CALM);
    await assert.rejects(EtcdDriver.restore({ ...location, atLeastMs: -1 }), {
      name: "AdvanceOutOfRangeError",
    });
    assert.equal((await store.readStanding(CALM)).incarnation, 1n);
  },
);
