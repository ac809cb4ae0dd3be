// SPDX-License-Identifier: Apache-2.0

import { ETCD_MISSING, EtcdCluster } from "../_support/engines/etcd_cluster.ts";
import { ioTestNeeding, LONG } from "../_support/levels.ts";
import { etcdFaults } from "./_support/etcd_faults.ts";
import { OracleCluster } from "./_support/oracle_cluster.ts";
import { ORACLE_FAULTS, setupsOf, strikeAll } from "./_support/schedule.ts";
import { underLoad } from "./_support/under_load.ts";

/** As etcd has it by default, which the figures are for; the short form does not wait that long. */
const ETCD_TIMING = LONG ? {} : { heartbeatMs: 50, electionMs: 500 };

for (const setup of setupsOf("etcd")) {
  const { leaseMs, windowAheadMs } = setup;
  ioTestNeeding(
    ETCD_MISSING,
    `three oracles on etcd keep what they promise, whatever happens to a process: lease ${leaseMs} ms, window ${windowAheadMs} ms`,
    async (t) => {
      await using etcd = await EtcdCluster.start({ members: 3, ...ETCD_TIMING });
      const driver = ["etcd", "--etcd", etcd.endpoints.join(",")];
      await using cluster = await OracleCluster.start({ ...setup, driver });
      const arsenal = { oracle: ORACLE_FAULTS, engine: etcdFaults(etcd) };
      await underLoad(t, { cluster, setup }, (stage) => strikeAll(stage, arsenal));
    },
  );
}
