// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { FileDriver } from "../../../src/drivers/file/driver.ts";
import { encodeStateRecord } from "../../../src/drivers/file/state_record.ts";
import { ioTest } from "../../_support/levels.ts";
import { FileChild, openInChild, type Runtime } from "../_support/file_child.ts";
import { refused, StateDir } from "../_support/state_dir.ts";
import { permanent } from "../_support/steps.ts";

const HELD =
  /another process holds its lock; stop that process or name another directory \(.*LOCK' /;

/** This process opens and closes a directory. */
async function openHere(directory: string): Promise<void> {
  await (await FileDriver.open({ directory })).close();
}

/** Waits until a worker has said something. */
function firstWord(worker: Worker): Promise<unknown> {
  return new Promise((resolve) => worker.addEventListener("message", resolve, { once: true }));
}

/** Whether the command flock of util-linux gets the lock. */
async function flockGets(path: string): Promise<boolean> {
  return (await new Deno.Command("flock", { args: ["-xn", path, "true"] }).output()).success;
}

ioTest("FileDriver.open() twice in one process is refused until the first is closed", async () => {
  await using dir = await StateDir.make();
  const first = await FileDriver.open({ directory: dir.path });
  await refused(FileDriver.open({ directory: dir.path }), "locked", HELD);
  assert.equal(await first.persistHighWater(1_000, 0n), 1_000);
  await first.close();
  await openHere(dir.path);
});

ioTest("FileDriver.open() takes the lock before it reads anything", async () => {
  await using dir = await StateDir.make();
  await using _first = await FileDriver.open({ directory: dir.path });
  await dir.put("state", new Uint8Array(3));
  await refused(FileDriver.open({ directory: dir.path }), "locked");
});

ioTest("FileDriver.open() locks with flock(2), and leaves LOCK behind unlocked", async () => {
  await using dir = await StateDir.make();
  const driver = await FileDriver.open({ directory: dir.path });
  assert.equal(await flockGets(dir.join("LOCK")), false);
  await driver.close();
  assert.equal(await flockGets(dir.join("LOCK")), true);
});

ioTest(
  "FileDriver.close() ends the lock though processes are being started at that moment",
  async () => {
    await using dir = await StateDir.make();
    const starters = [1, 2].map(() => {
      return new Worker(new URL("./_children/starter.ts", import.meta.url), { type: "module" });
    });
    try {
      await Promise.all(starters.map(firstWord));
      for (let i = 0; i < 300; i++) await openHere(dir.path);
    } finally {
      starters.forEach((starter) => starter.terminate());
    }
  },
);

for (const runtime of ["deno", "node"] as const satisfies readonly Runtime[]) {
  ioTest(
    `FileDriver.open() is refused while a ${runtime} process holds it, free when killed`,
    async () => {
      await using dir = await StateDir.make();
      await using child = await FileChild.holding(dir.path, { runtime });
      await refused(FileDriver.open({ directory: dir.path }), "locked", HELD);
      await child.kill();
      await openHere(dir.path);
    },
  );

  ioTest(
    `FileDriver.open() in a ${runtime} process is refused while this one holds it`,
    async () => {
      await using dir = await StateDir.make();
      await dir.put("state", 42);
      const driver = await FileDriver.open({ directory: dir.path });
      const found = await openInChild(dir.path, { runtime });
      assert.equal(found.code, "locked");
      assert.match(found.message ?? "", HELD);
      await driver.close();
      assert.equal((await openInChild(dir.path, { runtime })).highWaterMs, 42);
    },
  );
}

ioTest(
  "FileDriver.open() in a node process is free at once after a deno or node one was killed",
  async () => {
    await using dir = await StateDir.make();
    for (const runtime of ["deno", "node"] as const) {
      await using child = await FileChild.holding(dir.path, { runtime });
      assert.equal((await openInChild(dir.path, { runtime: "node" })).code, "locked");
      await child.kill();
      assert.equal((await openInChild(dir.path, { runtime: "node" })).highWaterMs, 0);
    }
  },
);

ioTest("FileDriver.open() in a node process without flock(1) says what to install", async () => {
  await using dir = await StateDir.make();
  const found = await openInChild(dir.path, { runtime: "node", env: { PATH: dir.path } });
  assert.equal(found.code, "lock-unsupported");
  assert.match(found.message ?? "", /spawnSync flock ENOENT; .* so install util-linux$/);
});

ioTest(
  "FileDriver.persistHighWater() writes nothing once LOCK was removed and taken by another",
  async () => {
    await using dir = await StateDir.make();
    await using first = await FileDriver.open({ directory: dir.path });
    await first.persistHighWater(1_000, 0n);
    await Deno.remove(dir.join("LOCK"));
    await using second = await FileDriver.open({ directory: dir.path });
    await second.persistHighWater(5_000, 0n);
    const lost = permanent(
      /another process may own the directory; let only one run and never remove/,
    );
    await assert.rejects(first.persistHighWater(2_000, 0n), lost);
    assert.equal(await dir.hex("state"), encodeStateRecord(5_000).toHex());
  },
);

ioTest(
  "FileDriver.persistHighWater() acknowledges nothing if LOCK went during the write",
  async () => {
    await using dir = await StateDir.make();
    const failpoint = async (name: string) => {
      if (name === "file::state::after_write_before_fsync") await Deno.remove(dir.join("LOCK"));
    };
    await using driver = await FileDriver.open({ directory: dir.path, failpoint });
    await assert.rejects(driver.persistHighWater(1_000, 0n), permanent(/file was replaced while/));
  },
);
