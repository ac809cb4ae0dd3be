// SPDX-License-Identifier: Apache-2.0

/**
 * A cluster to play with: an etcd of three members and three oracles on loopback, in processes of their own. It
 * prints who leads, and what a client sees that asks all the time; kill the leader, or pause it, and watch another one take
 * over. etcd has to be installed: `apt-get install etcd-server` on Debian. Ctrl-C ends everything.
 *
 *     deno run -A examples/cluster/main.ts
 */

import { delay } from "@std/async";
import { TsoClient } from "@tsoracle/tsoracle/client";
import { untilStopped } from "../_until_stopped.ts";
import { hasEtcd, startEtcd } from "./etcd.ts";
import { freePorts } from "./free_ports.ts";
import { OracleNode } from "./oracle_node.ts";

const LOOK_EVERY_MS = 100;
const ASK_EVERY_MS = 10;
const REPORT_EVERY_MS = 5_000;

if (!await hasEtcd()) {
  console.error(
    "Cannot start the cluster as 'etcd' is not installed: apt-get install etcd-server, or put it on the path",
  );
  Deno.exit(1);
}

const stopped = untilStopped();
const stop = new AbortController();
const directory = await Deno.makeTempDir({ prefix: "tsoracle-cluster-" });
const etcd = startEtcd(directory);
const nodes = freePorts(3).map((port, index) =>
  new OracleNode({ name: `oracle-${index + 1}`, port, etcd: etcd.endpoints, directory })
);
console.log(`logs are in ${directory}`);
for (const { name, pid } of etcd.members) console.log(`${name}: pid ${pid}`);
for (const { name, pid, address } of nodes) console.log(`${name} on ${address}: pid ${pid}`);

const work = Promise.all([watchLeader(stop.signal), ask(stop.signal)]);
await stopped;
console.log("stopping");
stop.abort();
await work;
await Promise.all(nodes.map((node) => node.stop()));
await Promise.all(etcd.members.map((member) => member.stop()));
await Deno.remove(directory, { recursive: true });

/** One line whenever another node leads. */
async function watchLeader(signal: AbortSignal): Promise<void> {
  let leader: OracleNode | undefined;
  while (!signal.aborted) {
    const leads = await Promise.all(nodes.map((node) => node.leads()));
    const found = nodes[leads.indexOf(true)];
    if (found !== undefined && found !== leader) {
      const { name, address, pid } = leader = found;
      console.log(
        `${name} leads on ${address}: kill -9 ${pid}; or kill -STOP ${pid}, and later kill -CONT ${pid}`,
      );
    }
    await pause(LOOK_EVERY_MS, signal);
  }
}

/** Asks for timestamps all the time, and tells now and then what came of it. */
async function ask(signal: AbortSignal): Promise<void> {
  await using client = new TsoClient({ endpoints: nodes.map(({ address }) => address) });
  let [count, longestMs, failed] = [0, 0, 0];
  let reportMs = performance.now() + REPORT_EVERY_MS;
  while (!signal.aborted) {
    const startMs = performance.now();
    const latest = await client.getTs({ signal }).catch(() => undefined);
    const endMs = performance.now();
    if (latest === undefined) failed += 1;
    else [count, longestMs] = [count + 1, Math.max(longestMs, endMs - startMs)];
    if (endMs >= reportMs && !signal.aborted) {
      const pauses = `the slowest took ${Math.round(longestMs)} ms, ${failed} failed`;
      console.log(`  ${count} timestamps, ${pauses}, the latest is ${latest}`);
      [count, longestMs, failed] = [0, 0, 0];
      reportMs = endMs + REPORT_EVERY_MS;
    }
    await pause(ASK_EVERY_MS, signal);
  }
}

/** Waits, unless everything ends. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, { signal }).catch(() => {});
}
