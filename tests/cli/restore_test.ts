// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { TsoClient } from "../../src/client/mod.ts";
import { EtcdCluster, ETCDCTL_MISSING } from "../_support/engines/etcd_cluster.ts";
import { POSTGRES_MISSING, PostgresServer } from "../_support/engines/postgres_server.ts";
import { lastingAddress } from "../_support/lasting_port.ts";
import { ioTest, ioTestNeeding } from "../_support/levels.ts";
import { ServerProcess } from "../_support/server_process.ts";
import { runCli } from "./_support/run_cli.ts";

/** Waited for after each stop without a hand-over, and longer than a busy machine lets a process wait. */
const LEASE = ["--lease", "1500ms"] as const;

/** A node on an etcd, at an address that outlives it. */
function nodeOn(etcd: EtcdCluster, listen = lastingAddress()): Promise<ServerProcess> {
  const driver = ["etcd", "--etcd", etcd.endpoints.join(",")];
  return ServerProcess.start({ driver, listen, flags: [...LEASE, "--handover", "0"] });
}

ioTestNeeding(
  ETCDCTL_MISSING,
  "tsoracle restore etcd: a client that saw the time before goes on above it",
  async () => {
    await using etcd = await EtcdCluster.start();
    await using node = await nodeOn(etcd);
    await using client = new TsoClient({ endpoints: [node.address] });
    await client.getSeq("orders", 5);
    const snapshot = await etcd.saveSnapshot();
    const tooEarly = ["restore", "etcd", "--etcd", etcd.endpoints.join(","), "--keep-sequences"];
    const { code: early, stderr: reason } = await runCli(tooEarly);
    assert.equal(early, 1);
    assert.match(reason, /a node is running/);
    await node.stop();
    await using after = await nodeOn(etcd, node.address);
    const seen = await client.getTs();
    assert.equal((await client.getSeq("orders", 2)).start, 5n);
    await after.stop();

    await using rolledBack = await EtcdCluster.start({ snapshot });
    const restore = ["restore", "etcd", "--etcd", rolledBack.endpoints.join(",")];
    const refused = await runCli(restore);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /Cannot restore: the store holds 1 sequences as of the backup/);
    const { code, stdout, stderr } = await runCli([...restore, "--keep-sequences", "--json"]);
    assert.equal(code, 0, stderr);
    const restored = JSON.parse(stdout);
    assert.deepEqual([restored.incarnation, restored.sequences, restored.leases], [
      String(restored.highWaterMs),
      1,
      0,
    ]);
    assert(restored.highWaterMs > Date.now() + 500_000, "ten minutes above the clock");

    await using again = await nodeOn(rolledBack, node.address);
    const next = await client.getTs();
    assert(next.toBigInt() > seen.toBigInt());
    assert((next.epoch ?? 0n) > (seen.epoch ?? 0n));
    assert(next.physicalMs > restored.highWaterMs);
    assert.equal((await client.getSeq("orders", 1)).start, 5n, "as the help warns");
    assert.match(again.output, /outcome=serving/);
  },
);

ioTestNeeding(
  POSTGRES_MISSING,
  "tsoracle restore postgres raises high-water and incarnation to what it prints",
  async () => {
    await using postgres = await PostgresServer.start();
    const url = `postgres://postgres@127.0.0.1:${postgres.port}/postgres`;
    const none = await runCli(["restore", "postgres", "--url", url]);
    assert.equal(none.code, 1);
    const driver = ["postgres", "--url", url];
    const flags = [...LEASE, "--handover", "0"];
    await using node = await ServerProcess.start({ driver, flags });
    const tooEarly = await runCli(["restore", ...driver]);
    assert.equal(tooEarly.code, 1);
    assert.match(tooEarly.stderr, /a node is running/);
    await node.stop();
    const seed = "70000000000000";
    const { code, stdout } = await runCli([
      "restore",
      ...driver,
      ...["--seed-physical-ms", seed],
    ]);
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`above physical_ms=${seed} \\(4188-`));
    assert.match(stdout, new RegExp(`^incarnation=${seed} sequences=0 leases=0$`, "m"));
    assert.match(stdout, new RegExp(`^Keep ${seed}: a later restore needs a seed above it`, "m"));
    await using next = await ServerProcess.start({ driver, flags });
    const got = await runCli(["get", "--endpoint", next.address, "--json"]);
    assert(JSON.parse(got.stdout).physicalMs > Number(seed));
  },
);

ioTest("tsoracle restore says that the engine cannot be reached", async () => {
  const { code, stderr } = await runCli([
    ...["restore", "etcd", "--etcd", "127.0.0.1:1"],
    ...["--timeout", "300ms"],
  ]);
  assert.equal(code, 1);
  assert.match(stderr, /^error: Cannot restore: .*127\.0\.0\.1:1/m);
});
