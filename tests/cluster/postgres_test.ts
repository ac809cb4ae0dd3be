// SPDX-License-Identifier: Apache-2.0

import { POSTGRES_MISSING, PostgresServer } from "../_support/engines/postgres_server.ts";
import { ioTestNeeding, LONG } from "../_support/levels.ts";
import { OracleCluster } from "./_support/oracle_cluster.ts";
import { postgresFaults } from "./_support/postgres_faults.ts";
import { ORACLE_FAULTS, setupsOf, strikeAll, SUDDEN_FAULTS } from "./_support/schedule.ts";
import { underLoad } from "./_support/under_load.ts";

for (const setup of setupsOf("PostgreSQL")) {
  ioTestNeeding(
    POSTGRES_MISSING,
    `three oracles on PostgreSQL keep what they promise, whatever happens to a process: lease ${setup.leaseMs} ms`,
    async (t) => {
      await using postgres = await PostgresServer.start();
      const driver = ["postgres", "--url", postgres.url()];
      await using cluster = await OracleCluster.start({ ...setup, driver });
      const arsenal = {
        oracle: LONG ? ORACLE_FAULTS : SUDDEN_FAULTS,
        engine: postgresFaults(postgres),
      };
      await underLoad(t, { cluster, setup }, (stage) => strikeAll(stage, arsenal));
    },
  );
}
