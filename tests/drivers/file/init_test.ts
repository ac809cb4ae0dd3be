// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { FileDriver } from "../../../src/drivers/file/driver.ts";
import { ioTest } from "../../_support/levels.ts";
import { refused, StateDir } from "../_support/state_dir.ts";
import { failingAt, FIRST_RENAMED, WRITE_STEPS } from "../_support/steps.ts";

async function loaded(directory: string): Promise<number> {
  await using driver = await FileDriver.open({ directory });
  return await driver.loadHighWater();
}

ioTest("FileDriver.init() gives a new directory its high-water and the lock back", async () => {
  for (const seedPhysicalMs of [0, 1_700_000_000_000, 2 ** 46 - 1]) {
    await using dir = await StateDir.make();
    const directory = dir.join("new/state-dir");
    await FileDriver.init({ directory, seedPhysicalMs });
    assert.equal(await loaded(directory), seedPhysicalMs);
  }
});

ioTest("FileDriver.init() refuses a state of any kind and leaves it alone", async () => {
  for (const state of [new Uint8Array(), new Uint8Array(99), 42]) {
    await using dir = await StateDir.make();
    await dir.put("state", state);
    const before = await dir.hex("state");
    const init = FileDriver.init({ directory: dir.path, seedPhysicalMs: 1_000 });
    await refused(init, "exists", /it has a state already; name a new directory/);
    assert.equal(await dir.hex("state"), before);
  }
});

ioTest("FileDriver.init() refuses a seed that does not fit 46 bits and makes nothing", async () => {
  await using dir = await StateDir.make();
  for (const seedPhysicalMs of [-1, 0.5, NaN, 2 ** 46]) {
    const init = FileDriver.init({ directory: dir.join("new"), seedPhysicalMs });
    await assert.rejects(init, {
      name: "RangeError",
      message: /^Cannot initialize as 'seedPhysicalMs' must be .*: current value is /,
    });
  }
  assert.deepEqual(await dir.names(), []);
});

ioTest(
  "FileDriver.init() holds the directory while it writes, and is refused while it is held",
  async () => {
    await using dir = await StateDir.make();
    const options = { directory: dir.path, seedPhysicalMs: 1_000 };
    let tried = 0;
    const failpoint = async () => {
      tried++;
      await refused(FileDriver.open({ directory: dir.path }), "locked");
    };
    await FileDriver.init({ ...options, failpoint });
    assert.equal(tried, WRITE_STEPS.length);
    await Deno.remove(dir.join("state"));
    await using _driver = await FileDriver.open({ directory: dir.path });
    await refused(FileDriver.init(options), "locked");
    assert.deepEqual(await dir.names(), ["LOCK"]);
  },
);

for (const [index, step] of WRITE_STEPS.entries()) {
  ioTest(`FileDriver.init() that fails at ${step} leaves no state or the whole one`, async () => {
    await using dir = await StateDir.make();
    const options = { directory: dir.path, seedPhysicalMs: 1_000 };
    await refused(FileDriver.init({ ...options, failpoint: failingAt(step) }), "io");
    assert.equal(await loaded(dir.path), index < FIRST_RENAMED ? 0 : 1_000);
    if (index < FIRST_RENAMED) await FileDriver.init(options);
    else await refused(FileDriver.init(options), "exists");
    assert.equal(await loaded(dir.path), 1_000);
  });
}
