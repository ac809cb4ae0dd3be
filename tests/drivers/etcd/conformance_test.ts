// SPDX-License-Identifier: Apache-2.0

import { ClusterDriver } from "../../../src/drivers/cluster/driver.ts";
import { ETCD_MISSING, EtcdCluster } from "../../_support/engines/etcd_cluster.ts";
import { ioTestNeeding } from "../../_support/levels.ts";
import { conformOnEngine } from "../cluster/_support/relay_harness.ts";
import type { EngineAccess } from "../cluster/_support/relay_harness.ts";
import { openStore } from "./_support/etcd_rig.ts";

function storeOf({ address, name }: EngineAccess) {
  return openStore({ urls: [`http://${address}`], prefix: name });
}

ioTestNeeding(ETCD_MISSING, "a cluster driver on etcd keeps the driver contract", async (t) => {
  await using cluster = await EtcdCluster.start();
  const { host } = new URL(cluster.member(0).endpoint);
  await conformOnEngine(t, "etcd:", {
    address: host,
    openStore: storeOf,
    openDriver: ({ endpoint, maxSequenceKeys, ...access }) =>
      new ClusterDriver({
        store: storeOf(access),
        endpoint,
        maxSequenceKeys,
        callTimeoutMs: 2_000,
      }),
  });
});
