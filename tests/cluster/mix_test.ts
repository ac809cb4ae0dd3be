// SPDX-License-Identifier: Apache-2.0

import type { SampleSetup } from "../../bench/failover/samples.ts";
import { ETCD_MISSING, EtcdCluster } from "../_support/engines/etcd_cluster.ts";
import { POSTGRES_MISSING, PostgresServer } from "../_support/engines/postgres_server.ts";
import { ioTestNeeding, LONG } from "../_support/levels.ts";
import { CLOCKS_APART_MS, CLOCKS_STEP } from "./_support/clock_faults.ts";
import { ANSWERS_LOST, LEADERSHIP_MOVES } from "./_support/driver_faults.ts";
import { etcdFaults } from "./_support/etcd_faults.ts";
import { linkedNode } from "./_support/linked_node.ts";
import type { Link } from "./_support/link.ts";
import { RelayLink } from "./_support/link.ts";
import { HAS_NAMESPACES, NetworkNamespace } from "./_support/network_namespace.ts";
import { OracleCluster } from "./_support/oracle_cluster.ts";
import type { NodePlan } from "./_support/oracle_cluster.ts";
import { partitionFaults } from "./_support/partition_faults.ts";
import { postgresFaults } from "./_support/postgres_faults.ts";
import type { Fault } from "./_support/rig.ts";
import { ORACLE_FAULTS, strikeMixed } from "./_support/schedule.ts";
import { underLoad } from "./_support/under_load.ts";

const SHORT_LEASE = { leaseMs: 500, windowAheadMs: 10_000 } as const;
/** In the full run also windows so short that the leader writes its high-water all the time, and the default lease. */
const TIMINGS = LONG
  ? [
    SHORT_LEASE,
    { leaseMs: 500, windowAheadMs: 300 },
    { leaseMs: 1_500, windowAheadMs: 3_000 },
  ]
  : [SHORT_LEASE];

/** An engine that runs. */
interface Engine {
  /** `host:port` of each member. */
  readonly members: readonly string[];
  /** The words behind `serve` for a node that finds the members at these addresses. */
  readonly driverAt: (endpoints: readonly string[]) => readonly string[];
  /** What can happen to it. */
  readonly faults: readonly Fault[];
}

/** Everything that can happen, in an order that a seed decides, to three oracles whose clocks are 30 s apart. */
async function mix(t: Deno.TestContext, engine: Engine, setup: SampleSetup): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const links: Link[] = [];
  const plans: NodePlan[] = [];
  for (const offsetMs of CLOCKS_APART_MS) {
    const Kind = HAS_NAMESPACES ? NetworkNamespace : RelayLink;
    const link = stack.use(await Kind.open(engine.members));
    links.push(link);
    plans.push(linkedNode(link, { driver: engine.driverAt(link.endpoints), setup, offsetMs }));
  }
  await using cluster = await OracleCluster.startOf(plans);
  const faults = [
    ...ORACLE_FAULTS.map(([fault]) => fault),
    ...partitionFaults(links),
    ...engine.faults,
    CLOCKS_STEP,
    LEADERSHIP_MOVES,
    ANSWERS_LOST,
  ];
  await underLoad(t, { cluster, setup }, (stage) => strikeMixed(stage, faults));
}

for (const timing of TIMINGS) {
  const title = `lease ${timing.leaseMs} ms, window ${timing.windowAheadMs} ms`;

  ioTestNeeding(
    ETCD_MISSING,
    `three oracles on etcd keep what they promise in a mix of all that can happen: ${title}`,
    async (t) => {
      await using etcd = await EtcdCluster.start({ members: 3 });
      const engine = {
        members: etcd.endpoints.map((endpoint) => new URL(endpoint).host),
        driverAt: (endpoints: readonly string[]) => ["etcd", "--etcd", endpoints.join()],
        faults: etcdFaults(etcd),
      };
      await mix(t, engine, { engine: "etcd, mixed", ...timing });
    },
  );

  ioTestNeeding(
    POSTGRES_MISSING,
    `three oracles on PostgreSQL keep what they promise in a mix of all that can happen: ${title}`,
    async (t) => {
      await using postgres = await PostgresServer.start();
      const engine = {
        members: [new URL(postgres.url()).host],
        driverAt: ([endpoint]: readonly string[]) => [
          "postgres",
          ...["--url", `postgres://postgres@${endpoint}/postgres`],
        ],
        faults: postgresFaults(postgres),
      };
      await mix(t, engine, { engine: "PostgreSQL, mixed", ...timing });
    },
  );
}
