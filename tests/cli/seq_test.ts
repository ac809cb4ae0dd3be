// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { ioTest } from "../_support/levels.ts";
import { serveLocally } from "./_support/local_server.ts";
import { runCli } from "./_support/run_cli.ts";

ioTest("tsoracle seq counts a sequence without a gap", async () => {
  await using server = await serveLocally();
  const args = ["seq", "orders", "--endpoint", server.address];
  assert.deepEqual(await runCli(args), { code: 0, stdout: "0\n", stderr: "" });
  assert.equal((await runCli([...args, "--count", "3"])).stdout, "1\n2\n3\n");
  assert.equal((await runCli([...args, "--count", "10", "--range"])).stdout, "4 13\n");
});

ioTest("tsoracle seq takes of several sequences in one step", async () => {
  await using server = await serveLocally();
  const args = ["seq", "orders", "users", "--count", "2", "--endpoint", server.address];
  assert.equal((await runCli(args)).stdout, "orders 0\norders 1\nusers 0\nusers 1\n");
  const { stdout } = await runCli([...args, "--json"]);
  assert.deepEqual(JSON.parse(stdout), {
    blocks: [
      { key: "orders", first: "2", last: "3", count: 2 },
      { key: "users", first: "2", last: "3", count: 2 },
    ],
    epoch: "0",
  });
});

ioTest("tsoracle seq goes on after a restart where it was", async () => {
  await using dirOwner = await serveLocally();
  const { directory } = dirOwner;
  await runCli(["seq", "orders", "--count", "5", "--endpoint", dirOwner.address]);
  await dirOwner.stop();
  await using again = await serveLocally({ directory });
  const { stdout } = await runCli(["seq", "orders", "--endpoint", again.address]);
  assert.equal(stdout, "5\n");
});

ioTest("tsoracle seq says what is wrong with a key or a count", async () => {
  await using server = await serveLocally();
  const long = await runCli(["seq", "k".repeat(129), "--endpoint", server.address]);
  assert.equal(long.code, 1);
  assert.match(long.stderr, /128 bytes/);
  const many = await runCli(["seq", "orders", "--count", "65537", "--endpoint", server.address]);
  assert.equal(many.code, 1);
  assert.match(many.stderr, /maximum is 65536/);
  const none = await runCli(["seq"]);
  assert.equal(none.code, 2);
  assert.match(none.stderr, /name a sequence/);
});
