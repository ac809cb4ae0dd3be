// SPDX-License-Identifier: Apache-2.0

import { ETCD_MISSING, EtcdCluster } from "../../_support/engines/etcd_cluster.ts";
import { ioTestNeeding } from "../../_support/levels.ts";
import { testStoreContract } from "../cluster/_support/store_contract.ts";
import type { StoreRig } from "../cluster/_support/store_contract.ts";
import { openStore } from "./_support/etcd_rig.ts";
import type { OpenStore } from "./_support/etcd_rig.ts";

ioTestNeeding(ETCD_MISSING, "EtcdStore keeps the contract of a cluster store", async (t) => {
  await using cluster = await EtcdCluster.start();
  const cases: (readonly [string, () => Promise<void>])[] = [];
  testStoreContract("EtcdStore", {
    test: (name, fn) => cases.push([name, fn]),
    canBeSilent: true,
    open: () => Promise.resolve(rigOn(cluster)),
  });
  for (const [name, fn] of cases) await t.step(name, fn);
});

/** The clients of one case: a prefix of its own stands for an empty etcd. */
function rigOn(cluster: EtcdCluster): StoreRig {
  const prefix = `contract-${crypto.randomUUID()}`;
  const stores: OpenStore[] = [];
  return {
    connect: () => {
      const store = openStore({ urls: cluster.endpoints, prefix });
      stores.push(store);
      return store;
    },
    silence: () => cluster.member(0).pause(),
    close: async () => {
      await Promise.all(stores.map((store) => store.close()));
      cluster.member(0).resume();
    },
  };
}
