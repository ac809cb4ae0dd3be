// SPDX-License-Identifier: Apache-2.0

import { ETCD_MISSING, EtcdCluster } from "../_support/engines/etcd_cluster.ts";
import { ioTestNeeding, scaled } from "../_support/levels.ts";
import { ServerProcess } from "../_support/server_process.ts";
import { CLOCKS_APART_MS, CLOCKS_STEP } from "./_support/clock_faults.ts";
import { ANSWERS_LOST } from "./_support/driver_faults.ts";
import { embeddedNode } from "./_support/embedded_node.ts";
import { LEADER_KILLED, LEADER_PAUSED } from "./_support/leader_faults.ts";
import { clusterFlags, OracleCluster } from "./_support/oracle_cluster.ts";
import { underLoad } from "./_support/under_load.ts";

const SETUP = { engine: "etcd", leaseMs: 500, windowAheadMs: 3_000 } as const;
const ROUNDS = scaled(1, 15);

ioTestNeeding(
  ETCD_MISSING,
  "three oracles whose clocks are 30 s apart and step both ways keep what they promise",
  async (t) => {
    await using etcd = await EtcdCluster.start();
    const driver = ["etcd", "--etcd", etcd.endpoints.join(",")];
    const plans = CLOCKS_APART_MS.map((offsetMs) => ({
      start: (listen: string) => {
        const flags = clusterFlags(listen, SETUP);
        return ServerProcess.start({ driver, listen, flags, program: embeddedNode({ offsetMs }) });
      },
    }));
    await using cluster = await OracleCluster.startOf(plans);
    await underLoad(t, { cluster, setup: SETUP }, async ({ strike }) => {
      for (let round = 0; round < ROUNDS; round++) {
        for (const fault of [LEADER_KILLED, CLOCKS_STEP, ANSWERS_LOST, LEADER_PAUSED]) {
          await strike(fault);
        }
      }
    });
  },
);
