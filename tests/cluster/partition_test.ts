// SPDX-License-Identifier: Apache-2.0

import { ETCD_MISSING, EtcdCluster } from "../_support/engines/etcd_cluster.ts";
import { ioTestNeeding, LONG, scaled } from "../_support/levels.ts";
import { CLI, ServerProcess } from "../_support/server_process.ts";
import { RelayLink } from "./_support/link.ts";
import type { Link } from "./_support/link.ts";
import {
  HAS_NAMESPACES,
  ioTestInNamespaces,
  NetworkNamespace,
} from "./_support/network_namespace.ts";
import { clusterFlags, OracleCluster } from "./_support/oracle_cluster.ts";
import type { NodePlan } from "./_support/oracle_cluster.ts";
import { partitionFaults } from "./_support/partition_faults.ts";
import { pick } from "./_support/random.ts";
import { underLoad } from "./_support/under_load.ts";

const SETUP = { engine: "etcd", leaseMs: 500, windowAheadMs: 3_000 } as const;
const NODES = [0, 1, 2] as const;
const ROUNDS = scaled(1, 5);
const MIXED = scaled(0, 20);
/** Anywhere in a namespace of its own. */
const PORT = 50_551;

/** Three oracles, each behind a link that can be cut, are struck and checked. */
async function cutAndMend(
  t: Deno.TestContext,
  links: readonly Link[],
  plans: readonly NodePlan[],
): Promise<void> {
  await using cluster = await OracleCluster.startOf(plans);
  await underLoad(t, { cluster, setup: SETUP }, async ({ rig, strike }) => {
    const faults = partitionFaults(links);
    for (const fault of faults) {
      for (let round = 0; round < ROUNDS; round++) await strike(fault);
    }
    for (let turn = 0; turn < MIXED; turn++) await strike(pick(rig.random, faults));
  });
}

/** The flags of an oracle behind a link. */
function optionsOf(address: string, link: Link) {
  return {
    driver: ["etcd", "--etcd", link.endpoints.join(",")],
    listen: address,
    flags: clusterFlags(address, SETUP),
  };
}

async function membersOf(etcd: EtcdCluster): Promise<readonly string[]> {
  await etcd.healthy();
  return etcd.endpoints.map((endpoint) => new URL(endpoint).host);
}

ioTestInNamespaces(
  ETCD_MISSING,
  "three oracles keep what they promise while packets between them and etcd are lost, both ways or one",
  async (t) => {
    await using etcd = await EtcdCluster.start({ members: 3 });
    await using stack = new AsyncDisposableStack();
    const plans: NodePlan[] = [];
    const links: Link[] = [];
    for (const _ of NODES) {
      const namespace = stack.use(await NetworkNamespace.open(await membersOf(etcd)));
      const start = (address: string) => {
        const { flags, ...options } = optionsOf(address, namespace);
        const program = namespace.command(CLI);
        return ServerProcess.start({ ...options, program, flags: [...flags, "--allow-insecure"] });
      };
      plans.push({ start, address: `${namespace.hostname}:${PORT}` });
      links.push(namespace);
    }
    await cutAndMend(t, links, plans);
  },
);

// In its short form the suite tries one of the two: the kernel's, where that is possible.
if (LONG || !HAS_NAMESPACES) {
  ioTestNeeding(
    ETCD_MISSING,
    "three oracles keep what they promise while what they say to etcd is held back, both ways or one",
    async (t) => {
      await using etcd = await EtcdCluster.start({ members: 3 });
      await using stack = new AsyncDisposableStack();
      const links: Link[] = [];
      for (const _ of NODES) links.push(stack.use(await RelayLink.open(await membersOf(etcd))));
      const plans = links.map((link): NodePlan => ({
        start: (address) => ServerProcess.start(optionsOf(address, link)),
      }));
      await cutAndMend(t, links, plans);
    },
  );
}
