// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { FileDriver } from "../../../src/drivers/file/driver.ts";
import { ioTest } from "../../_support/levels.ts";
import { FileChild, openInChild } from "../_support/file_child.ts";
import { StateDir } from "../_support/state_dir.ts";

ioTest(
  "FileDriver on Node makes a directory, reads what Deno wrote, and refuses what Deno refuses",
  async () => {
    await using dir = await StateDir.make();
    const directory = dir.join("new/one");
    const runtime = "node";
    assert.deepEqual(await openInChild(directory, { runtime }), { highWaterMs: 0, warnings: [] });
    await using driver = await FileDriver.open({ directory });
    await driver.persistHighWater(1_700_000_000_000, 0n);
    await driver.close();
    assert.equal((await openInChild(directory, { runtime })).highWaterMs, 1_700_000_000_000);
    await Deno.writeFile(`${directory}/state`, new Uint8Array(5));
    assert.equal((await openInChild(directory, { runtime })).code, "corrupt");
  },
);

ioTest("FileDriver on Node writes what Deno reads", async () => {
  await using dir = await StateDir.make();
  let acknowledgedMs = 0;
  {
    await using child = await FileChild.start(["load", dir.path], { runtime: "node" });
    for (let round = 0; round < 20; round++) acknowledgedMs = Number(await child.line());
    await child.kill();
  }
  await using driver = await FileDriver.open({ directory: dir.path });
  assert.ok(acknowledgedMs >= 17 && await driver.loadHighWater() >= acknowledgedMs);
});

ioTest(
  "FileDriver on Node takes ordinals behind those of Deno, and Deno behind those of Node",
  async () => {
    await using dir = await StateDir.make();
    const lease = {
      leaseId: 7,
      holder: Uint8Array.of(0, 255),
      holderEpoch: (1n << 64n) - 1n,
      ttlMs: 1,
      boundMs: 0,
      expiresAtMs: 8,
      superseded: true,
    };
    {
      await using driver = await FileDriver.open({ directory: dir.path });
      await driver.advanceDense({ key: "orders", count: 1_000 }, 0n);
      await driver.advanceDense({ key: "\u{1d11e}", count: 5 }, 0n);
      await driver.persistLeases([lease], 0n);
    }
    {
      await using child = await FileChild.start(["take", dir.path], { runtime: "node" });
      const starts: string[] = [];
      for (let left = 9; left > 0; left--) {
        starts.push(...JSON.parse(await child.line() ?? "{}").starts ?? []);
      }
      assert.ok(starts.includes("1000"), `the child received ${starts}`);
      await child.kill();
    }
    await using driver = await FileDriver.open({ directory: dir.path });
    assert.ok(await driver.loadDenseSeq("orders") > 1_000n);
    assert.equal(await driver.loadDenseSeq("\u{1d11e}"), 5n);
    assert.deepEqual(await driver.loadLeases(), [lease]);
  },
);

ioTest("FileDriver on Node ends with its process and keeps it alive for nothing", async () => {
  await using dir = await StateDir.make();
  await using child = await FileChild.holding(dir.path, { runtime: "node" });
  await child.endInput();
  assert.equal((await child.ended()).code, 0);
});
