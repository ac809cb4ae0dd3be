// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { lastingAddress } from "../_support/lasting_port.ts";
import { ioTest } from "../_support/levels.ts";
import { serveLocally } from "./_support/local_server.ts";
import { runCli } from "./_support/run_cli.ts";
import type { StreamEnd } from "./_support/serve_streams.ts";
import { refuseStream, serveStreams } from "./_support/serve_streams.ts";

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

ioTest("tsoracle seq ends with 2 for a key that no server would be asked for", async () => {
  for (
    const [keys, message] of [
      [["a", "a"], 'Cannot ask for "a" twice: the keys of one batch must differ'],
      [[""], 'Cannot use "" as a key: it must have 1 to 128 bytes of UTF-8'],
      [
        ["k".repeat(129)],
        `Cannot use "${"k".repeat(129)}" as a key: it must have 1 to 128 bytes of UTF-8`,
      ],
    ] as const
  ) {
    const { code, stderr } = await runCli(["seq", ...keys, "--endpoint", "127.0.0.1:1"]);
    assert.deepEqual([code, stderr], [2, `error: ${message}\n`]);
  }
});

ioTest("tsoracle seq ends with 1 if a server refuses a count", async () => {
  await using server = await serveLocally();
  const many = await runCli(["seq", "orders", "--count", "65537", "--endpoint", server.address]);
  assert.equal(many.code, 1);
  assert.match(many.stderr, /maximum is 65536/);
  const none = await runCli(["seq"]);
  assert.equal(none.code, 2);
  assert.match(none.stderr, /name a sequence/);
});

ioTest("tsoracle seq ends with 4 if it cannot know whether ordinals are spent", async (t) => {
  const ends: readonly (readonly [string, StreamEnd, RegExp])[] = [
    ["the connection is cut", (_, cut) => cut(), /the connection was closed/],
    ["no answer comes", () => {}, /no answer within \d+ ms/],
    [
      "the server says INTERNAL",
      (stream) => refuseStream(stream, { status: 13, message: "the disk is gone" }),
      /it answered INTERNAL: .*the disk is gone/,
    ],
  ];
  for (const [name, end, why] of ends) {
    await t.step(name, async () => {
      await using server = await serveStreams(end);
      const args = ["--endpoint", server.address, "--timeout", "2s"];
      const { code, stdout, stderr } = await runCli(["seq", "orders", ...args]);
      assert.deepEqual([code, stdout], [4, ""]);
      assert.match(stderr, /^error: Cannot tell whether ordinals were taken from 127\.0\.0\.1:/);
      assert.match(stderr, why);
      assert.match(stderr, /; they may be spent, and were not asked for again: .*\n$/);
    });
  }
});

ioTest("tsoracle seq ends with 1 if nothing can have been taken", async () => {
  const { code, stderr } = await runCli([
    "seq",
    "orders",
    "--endpoint",
    lastingAddress(),
    "--timeout",
    "1s",
  ]);
  assert.equal(code, 1);
  assert.match(stderr, /nothing listens there/);
});
