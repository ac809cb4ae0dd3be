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

ioTest("FileDriver on Node ends with its process and keeps it alive for nothing", async () => {
  await using dir = await StateDir.make();
  await using child = await FileChild.holding(dir.path, { runtime: "node" });
  await child.endInput();
  assert.equal((await child.ended()).code, 0);
});
