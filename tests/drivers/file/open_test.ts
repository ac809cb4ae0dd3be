// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { FileDriver } from "../../../src/drivers/file/driver.ts";
import { encodeStateRecord } from "../../../src/drivers/file/state_record.ts";
import { recordLogs } from "../../_support/logs.ts";
import { ioTest } from "../../_support/levels.ts";
import { openInChild } from "../_support/file_child.ts";
import { refused, StateDir } from "../_support/state_dir.ts";

const RECORD = encodeStateRecord(1_700_000_000_000);

/** Opens, and expects a refusal that has changed nothing and holds no lock. */
async function refusesState(dir: StateDir, bytes: Uint8Array, code: Parameters<typeof refused>[1]) {
  await dir.put("state", bytes);
  await refused(FileDriver.open({ directory: dir.path }), code);
  assert.equal(await dir.hex("state"), bytes.toHex());
}

async function loaded(directory: string): Promise<number> {
  await using driver = await FileDriver.open({ directory });
  return await driver.loadHighWater();
}

ioTest(
  "FileDriver.open() of a new directory makes it and its parents and begins at 0",
  async () => {
    await using dir = await StateDir.make();
    const directory = dir.join("a/b/c");
    assert.equal(await loaded(directory), 0);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(directory), ({ name }) => name), ["LOCK"]);
  },
);

ioTest("FileDriver.open() reads the record of the original", async () => {
  await using dir = await StateDir.make();
  await dir.put("state", Uint8Array.fromHex("54534f520139300000000000004b0a009f"));
  assert.equal(await loaded(dir.path), 12_345);
});

ioTest("FileDriver.open() names the real directory, also through a link", async () => {
  await using dir = await StateDir.make();
  await Deno.mkdir(dir.join("real"));
  await Deno.symlink("real", dir.join("link"));
  await using driver = await FileDriver.open({ directory: dir.join("link") });
  assert.equal(driver.directory, dir.join("real"));
});

ioTest("FileDriver.open() refuses a state cut off after each byte", async () => {
  await using dir = await StateDir.make();
  for (let length = 0; length < RECORD.length; length++) {
    await refusesState(dir, RECORD.subarray(0, length), "truncated");
  }
});

ioTest("FileDriver.open() refuses a state with any bit flipped", async () => {
  await using dir = await StateDir.make();
  for (let bit = 0; bit < 8 * RECORD.length; bit++) {
    const bytes = RECORD.slice();
    bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
    await refusesState(dir, bytes, bit >> 3 === 4 ? "unsupported-version" : "corrupt");
  }
});

ioTest(
  "FileDriver.open() refuses bytes after the record, a torn write and another file",
  async () => {
    await using dir = await StateDir.make();
    const torn = RECORD.slice();
    torn.fill(0, 9);
    const wrong = [Uint8Array.of(...RECORD, 0), new Uint8Array(1 << 20), torn, new Uint8Array(17)];
    for (const bytes of wrong) await refusesState(dir, bytes, "corrupt");
  },
);

ioTest("FileDriver.open() begins where it can once the refused state is mended", async () => {
  await using dir = await StateDir.make();
  await refusesState(dir, new Uint8Array(3), "corrupt");
  await dir.put("state", 42);
  assert.equal(await loaded(dir.path), 42);
});

ioTest("FileDriver.open() takes no harm from what a crash left in the temporary file", async () => {
  for (const leftover of [new Uint8Array(), RECORD.subarray(0, 9), RECORD, new Uint8Array(99)]) {
    await using dir = await StateDir.make();
    await dir.put("state", 42);
    await dir.put("state.tmp", leftover);
    await using driver = await FileDriver.open({ directory: dir.path });
    assert.equal(await driver.loadHighWater(), 42);
    await driver.persistHighWater(43, 0n);
    assert.equal(await dir.hex("state"), encodeStateRecord(43).toHex());
    assert.deepEqual(await dir.names(), ["LOCK", "state"]);
  }
});

for (const name of ["state", "state.tmp", "LOCK"]) {
  ioTest(`FileDriver.open() refuses a directory or a link in place of ${name}`, async () => {
    await using dir = await StateDir.make();
    await dir.put("elsewhere", 42);
    await Deno.mkdir(dir.join(name));
    await refused(FileDriver.open({ directory: dir.path }), "corrupt", /not a regular file; move/);
    await Deno.remove(dir.join(name));
    for (const target of ["elsewhere", "nowhere"]) {
      await Deno.symlink(target, dir.join(name));
      await refused(FileDriver.open({ directory: dir.path }), "corrupt", /not a regular file/);
      await Deno.remove(dir.join(name));
    }
    assert.equal(await loaded(dir.path), 0);
  });
}

ioTest("FileDriver.open() refuses a file where a directory should be, and says so", async () => {
  await using dir = await StateDir.make();
  await dir.put("file", 42);
  const directory = dir.join("file");
  await refused(FileDriver.open({ directory }), "io", /ENOTDIR.*; name a directory, not a file$/);
  await refused(FileDriver.open({ directory: dir.join("file/below") }), "io", /ENOTDIR/);
});

ioTest(
  "FileDriver.open() needs no permission beyond its directory, but then warns once",
  async () => {
    await using dir = await StateDir.make();
    const directory = dir.join("mine");
    const permissions = [`--allow-read=${directory}`, `--allow-write=${directory}`];
    const first = await openInChild(directory, { permissions });
    assert.equal(first.highWaterMs, 0);
    assert.match(
      first.warnings?.join() ?? "",
      /^Cannot flush .*, a parent of a new state directory/,
    );
    await Deno.writeFile(dir.join("mine/state"), RECORD);
    const again = await openInChild(directory, { permissions });
    assert.deepEqual(again, { highWaterMs: 1_700_000_000_000, warnings: [] });
  },
);

ioTest("FileDriver.open() without permission for its directory says what to grant", async () => {
  await using dir = await StateDir.make();
  const directory = dir.join("mine");
  const found = await openInChild(directory, { permissions: [] });
  assert.equal(found.code, "io");
  assert.match(found.message ?? "", /; grant '--allow-read' and '--allow-write' on the directory$/);
});

ioTest("FileDriver.open() writes no log when nothing is wrong", async () => {
  await using dir = await StateDir.make();
  await using logs = await recordLogs();
  await loaded(dir.path);
  assert.deepEqual(logs.records, []);
});

for (
  const [name, record, wayOut] of [
    ["state", "54534f5201", /it ends after 5 of 17 bytes; move the file away and run 'init'/],
    ["dense", "54534f4401", /it ends after 5 of at least 21 bytes; put a copy back/],
    ["leases", "54534f4f01", /it ends after 5 of at least 13 bytes; move the file away once/],
  ] as const
) {
  ioTest(`FileDriver.open() says the way out of a torn file '${name}'`, async () => {
    await using dir = await StateDir.make();
    await dir.put(name, Uint8Array.fromHex(record));
    await refused(FileDriver.open({ directory: dir.path }), "truncated", wayOut);
  });
}

ioTest(
  "FileDriver.open() sends the owner of a newer record to the release that wrote it",
  async () => {
    await using dir = await StateDir.make();
    await dir.put("state", Uint8Array.fromHex("54534f5202"));
    const wayOut = /version is 2, this release knows 1; start the release that wrote it$/;
    await refused(FileDriver.open({ directory: dir.path }), "unsupported-version", wayOut);
  },
);
