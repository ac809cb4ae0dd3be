// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { ETCD_MISSING, EtcdCluster } from "../_support/engines/etcd_cluster.ts";
import { ioTest, ioTestNeeding } from "../_support/levels.ts";
import { ServerProcess } from "../_support/server_process.ts";
import { runCli, startCli } from "./_support/run_cli.ts";

const LEASE = ["--lease", "500ms"] as const;

function driverOn(etcd: EtcdCluster): readonly string[] {
  return ["etcd", "--etcd", etcd.endpoints.join(",")];
}

async function get(address: string): Promise<bigint> {
  const { code, stdout, stderr } = await runCli(["get", "--endpoint", address]);
  assert.equal(code, 0, stderr);
  return BigInt(stdout.trim());
}

ioTestNeeding(
  ETCD_MISSING,
  "tsoracle serve etcd: a follower sends callers to the leader, and leads once that has stopped",
  async () => {
    await using etcd = await EtcdCluster.start();
    const options = { driver: driverOn(etcd), flags: LEASE };
    await using first = await ServerProcess.start(options);
    await using second = await ServerProcess.start(options);
    assert.match(first.output, /this node leads/);
    assert.match(second.output, new RegExp(`another node leads .*leader=${first.address}`));
    const before = await get(second.address);
    assert.deepEqual(await first.stop(), { code: 0, signal: null });
    assert.match(first.output, new RegExp(`handed over .*leader=${second.address}`));
    assert(await get(second.address) > before);
  },
);

ioTestNeeding(
  ETCD_MISSING,
  "tsoracle serve etcd keeps oracles of different prefixes apart",
  async () => {
    await using etcd = await EtcdCluster.start();
    for (const prefix of ["one", "other"]) {
      const flags = [...LEASE, "--prefix", prefix];
      await using node = await ServerProcess.start({ driver: driverOn(etcd), flags });
      assert.match(node.output, /this node leads epoch=/);
      assert.match(node.output, /fence ended .*outcome=serving/);
    }
  },
);

ioTest("tsoracle serve etcd says in the log what it waits for", async () => {
  const flags = ["--listen", "127.0.0.1:0", "--no-metrics", ...LEASE];
  const cli = startCli(["serve", "etcd", "--etcd", "127.0.0.1:1", ...flags]);
  await cli.until(/the engine cannot be used yet; trying on: .*127\.0\.0\.1:1/);
  cli.signal("SIGTERM");
  const { code, stdout } = await cli.result;
  assert.deepEqual([code, stdout], [0, ""]);
});
