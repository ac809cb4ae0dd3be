// SPDX-License-Identifier: Apache-2.0

import { ETCD_MISSING, EtcdCluster } from "../_support/engines/etcd_cluster.ts";
import { ioTestNeeding, scaled } from "../_support/levels.ts";
import { ServerProcess } from "../_support/server_process.ts";
import { embeddedNode, STEP_BACK, STEP_FORWARD } from "./_support/embedded_node.ts";
import { LEADER_KILLED, LEADER_PAUSED } from "./_support/leader_faults.ts";
import { clusterFlags, OracleCluster } from "./_support/oracle_cluster.ts";
import { pick } from "./_support/random.ts";
import type { Fault } from "./_support/rig.ts";
import { underLoad } from "./_support/under_load.ts";

const SETUP = { engine: "etcd", leaseMs: 500, windowAheadMs: 3_000 } as const;
/** How far the clocks of the nodes are ahead, to begin with. */
const OFFSETS_MS = [-30_000, 0, 30_000] as const;
const STEPS = 10;
const ROUNDS = scaled(1, 15);

/** The wall clocks of all nodes step by 30 s, each time another one, forward or back. */
const CLOCKS_STEP: Fault = {
  name: "clocks that step",
  async strike({ cluster, load, random }) {
    for (let step = 0; step < STEPS; step++) {
      const node = pick(random, cluster.nodes);
      node.process.signal(pick(random, [STEP_FORWARD, STEP_BACK] as const));
      await load.more(2);
    }
  },
};

ioTestNeeding(
  ETCD_MISSING,
  "three oracles whose clocks are 30 s apart and step both ways keep what they promise",
  async (t) => {
    await using etcd = await EtcdCluster.start();
    const driver = ["etcd", "--etcd", etcd.endpoints.join(",")];
    const plans = OFFSETS_MS.map((offsetMs) => ({
      start: (listen: string) => {
        const flags = clusterFlags(listen, SETUP);
        return ServerProcess.start({ driver, listen, flags, program: embeddedNode({ offsetMs }) });
      },
    }));
    await using cluster = await OracleCluster.startOf(plans);
    await underLoad(t, { cluster, setup: SETUP }, async ({ strike }) => {
      for (let round = 0; round < ROUNDS; round++) {
        for (const fault of [LEADER_KILLED, CLOCKS_STEP, LEADER_PAUSED]) {
          await strike(fault);
        }
      }
    });
  },
);
