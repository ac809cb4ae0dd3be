// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { ioTest } from "../_support/levels.ts";
import { serveLocally } from "./_support/local_server.ts";
import { runCli, startCli } from "./_support/run_cli.ts";

/** Short leases, so that a renewal comes soon; a process that stands still for two thirds of one loses it. */
const TTL = "3s";
const FLAGS = ["--lease-ttl-min", TTL];

ioTest(
  "tsoracle lease hold holds a lease, renews it, and releases it when it is stopped",
  async () => {
    await using server = await serveLocally({ flags: FLAGS });
    const args = ["lease", "hold", "group-a", "--ttl", TTL, "--endpoint", server.address];
    const cli = startCli(args);
    await cli.until(/^(lease \d+): may stamp up to \d+, until \S+Z\n\1: may stamp/m);
    cli.signal("SIGINT");
    const { code, stderr } = await cli.result;
    assert.deepEqual([code, stderr], [0, ""]);
    const [, firstId] = /^lease (\d+)/.exec(cli.stdout()) ?? [];
    const again = startCli([...args, "--json"]);
    await again.until(/\}\n/);
    again.signal("SIGTERM");
    await again.result;
    const lease = JSON.parse(again.stdout().split("\n")[0] ?? "");
    assert.notEqual(String(lease.leaseId), firstId);
    assert.ok(lease.boundMs >= lease.leaseId);
    assert.equal(lease.epoch, "0");
  },
);

ioTest("tsoracle lease hold ends with 1 once a later claim has the lease", async () => {
  await using server = await serveLocally({ flags: FLAGS });
  const args = ["lease", "hold", "group-a", "--ttl", TTL, "--endpoint", server.address];
  const first = startCli(args);
  await first.until(/^lease/m);
  const second = startCli(args);
  await second.until(/^lease/m);
  const { code, stderr } = await first.result;
  assert.equal(code, 1);
  assert.match(stderr, /^error: Cannot hold the lease of group-a .*superseded.*\n$/);
  second.signal("SIGTERM");
  assert.equal((await second.result).code, 0);
});

ioTest("tsoracle lease hold can be stopped while nobody grants it", async () => {
  await using server = await serveLocally();
  const args = ["lease", "hold", "group-a", "--endpoint", server.address];
  const { code, stderr } = await runCli([...args, "--ttl", "1s"]);
  assert.equal(code, 1);
  assert.match(stderr, /ttl_ms must be 5000 to 300000: it is 1000/);
  await server.stop();
  const waiting = startCli([...args, "--timeout", "1m"]);
  waiting.signal("SIGINT");
  assert.equal((await waiting.result).code, 0);
});

ioTest("tsoracle lease asks for a verb and a holder", async () => {
  for (const args of [["lease"], ["lease", "hold"], ["lease", "drop", "a"]]) {
    const { code, stderr } = await runCli(args);
    assert.equal(code, 2);
    assert.match(stderr, /write tsoracle lease hold HOLDER/);
  }
});
