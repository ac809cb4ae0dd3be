// SPDX-License-Identifier: Apache-2.0

import { EtcdDriver } from "../../../src/drivers/etcd/driver.ts";
import { ETCD_MISSING, EtcdCluster } from "../../_support/engines/etcd_cluster.ts";
import { ioTestNeeding } from "../../_support/levels.ts";
import { conformOnEngine } from "../cluster/_support/relay_harness.ts";
import { openStore } from "./_support/etcd_rig.ts";

/** Short, so that the checks are; long enough for a machine that is busy with other tests. */
const LEASE_MS = 1_500;
/** Longer than a busy disk makes a write wait. */
const CALL_TIMEOUT_MS = 6_000;

ioTestNeeding(ETCD_MISSING, "EtcdDriver keeps every promise of a driver", async (t) => {
  await using cluster = await EtcdCluster.start();
  await conformOnEngine(t, "EtcdDriver:", {
    address: new URL(cluster.member(0).endpoint).host,
    openStore: ({ name: prefix }) => openStore({ urls: cluster.endpoints, prefix }),
    openDriver: ({ address, name: prefix, endpoint, maxSequenceKeys }) =>
      new EtcdDriver({
        endpoints: [address],
        prefix,
        endpoint,
        maxSequenceKeys,
        leaseMs: LEASE_MS,
        callTimeoutMs: CALL_TIMEOUT_MS,
      }),
  });
});
