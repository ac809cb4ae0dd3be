// SPDX-License-Identifier: Apache-2.0

import { testDriverConformance } from "../../../src/testing/driver_conformance.ts";
import { ETCD_MISSING, EtcdCluster } from "../../_support/engines/etcd_cluster.ts";
import { ioTestNeeding } from "../../_support/levels.ts";
import {
  closeDriver,
  fault,
  openDriver,
  openDriverWith,
  reopenDriver,
  silence,
  standbyOf,
  supersede,
} from "./_support/driver_rig.ts";

ioTestNeeding(ETCD_MISSING, "EtcdDriver keeps every promise of a driver", async (t) => {
  await using cluster = await EtcdCluster.start();
  const checks: (readonly [string, () => Promise<void>])[] = [];
  testDriverConformance("EtcdDriver", {
    test: (name, fn) => checks.push([name, fn]),
    open: () => openDriver(cluster),
    close: closeDriver,
    reopen: reopenDriver,
    openWith: (content) => openDriverWith(cluster, content),
    standby: standbyOf,
    supersede,
    silence,
    fault,
  });
  for (const [name, check] of checks) await t.step(name, check);
});
