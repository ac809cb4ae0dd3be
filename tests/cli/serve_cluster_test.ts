// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { TsoClient } from "../../src/client/mod.ts";
import { ETCD_MISSING, EtcdCluster } from "../_support/engines/etcd_cluster.ts";
import { POSTGRES_MISSING, PostgresServer } from "../_support/engines/postgres_server.ts";
import { ioTest, ioTestNeeding } from "../_support/levels.ts";
import { ServerProcess } from "../_support/server_process.ts";
import { runCli, startCli } from "./_support/run_cli.ts";

const FREE = ["--listen", "127.0.0.1:0", "--no-metrics"] as const;
/** Longer than a busy machine lets a process wait: who leads is to change when a node stops, and not before. */
const LEASE = ["--lease", "10s"] as const;

function driverOn(etcd: EtcdCluster): readonly string[] {
  return ["etcd", "--etcd", etcd.endpoints.join(",")];
}

async function get(address: string): Promise<bigint> {
  const { code, stdout, stderr } = await runCli(["get", "--endpoint", address]);
  assert.equal(code, 0, stderr);
  return BigInt(stdout.trim());
}

/** Two nodes: the first leads, the second sends callers to it, and leads once it has stopped. */
async function handsOver(driver: readonly string[]): Promise<void> {
  const options = { driver, flags: LEASE };
  await using first = await ServerProcess.start(options);
  await using second = await ServerProcess.start(options);
  assert.match(first.output, /this node leads/);
  assert.match(second.output, new RegExp(`another node leads .*leader=${first.address}`));
  await using client = new TsoClient({ endpoints: [first.address, second.address] });
  const renewals = new Renewals();
  await using lease = await client.holdLease("group-a", { ttlMs: 10_000, ...renewals.options });
  const { epoch } = lease;
  const before = await get(second.address);
  assert.deepEqual(await first.stop(), { code: 0, signal: null });
  assert.match(first.output, new RegExp(`handed over .*leader=${second.address}`));
  assert(await get(second.address) > before);
  await renewals.next();
  assert.equal(lease.signal.aborted, false);
  assert(lease.epoch > epoch, "the lease outlives the change of leader");
}

/** Tells when a lease was renewed. */
class Renewals {
  #renewed = Promise.withResolvers<void>();
  readonly options = { onRenewed: () => this.#renewed.resolve() };

  /** Waits for the next renewal. */
  async next(): Promise<void> {
    this.#renewed = Promise.withResolvers<void>();
    await this.#renewed.promise;
  }
}

ioTestNeeding(
  ETCD_MISSING,
  "tsoracle serve etcd: a follower sends callers to the leader, and leads once that has stopped",
  async () => {
    await using etcd = await EtcdCluster.start();
    await handsOver(driverOn(etcd));
  },
);

ioTestNeeding(
  POSTGRES_MISSING,
  "tsoracle serve postgres: a follower sends callers to the leader, and leads once that has stopped",
  async () => {
    await using postgres = await PostgresServer.start();
    await handsOver([
      "postgres",
      "--url",
      `postgres://postgres@127.0.0.1:${postgres.port}/postgres`,
    ]);
  },
);

ioTestNeeding(
  POSTGRES_MISSING,
  "tsoracle serve postgres ends with 1 and says why if the server can lose what it acknowledged",
  async () => {
    await using postgres = await PostgresServer.start({ settings: { synchronous_commit: "off" } });
    const url = `postgres://postgres@127.0.0.1:${postgres.port}/postgres`;
    const { code, stderr } = await runCli(["serve", "postgres", "--url", url, ...FREE, ...LEASE]);
    assert.equal(code, 1);
    assert.match(stderr, /^error: Cannot go on serving: .*synchronous_commit/m);
  },
);

Deno.test("tsoracle serve postgres shows no password, wherever the URL came from", async () => {
  const url = "postgres://tso:se%40cret@a,b:5433/db?sslmode=verify-full";
  const shown = "postgres://tso:***@a,b:5433/db?sslmode=verify-full";
  const args = ["serve", "postgres", "--print-config"];
  for (
    const { stdout, code } of [
      await runCli([...args, "--url", url]),
      await runCli(args, { TSORACLE_URL: url }),
    ]
  ) {
    assert.equal(code, 0);
    assert.ok(stdout.split(/ +|\n/).includes(shown), stdout);
    assert.doesNotMatch(stdout, /cret/);
    assert.doesNotMatch(stdout, /--etcd|--state-dir/, "flags of other drivers");
  }
});

ioTest("tsoracle serve postgres does not print a URL that it refuses", async () => {
  const url = "postgres://tso:secret@a/db?mode=x";
  const { code, stdout, stderr } = await runCli(["serve", "postgres", "--url", url, ...FREE]);
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /has the parameter 'mode'/);
  assert.doesNotMatch(stderr, /secret/);
});

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
  const lease = ["--lease", "500ms"];
  const cli = startCli(["serve", "etcd", "--etcd", "127.0.0.1:1", ...FREE, ...lease]);
  await cli.until(/the engine cannot be used yet; trying on: .*127\.0\.0\.1:1/);
  cli.signal("SIGTERM");
  const { code, stdout } = await cli.result;
  assert.deepEqual([code, stdout], [0, ""]);
});
