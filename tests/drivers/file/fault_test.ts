// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import fc from "fast-check";
import { PermanentError } from "../../../src/consensus/errors.ts";
import { FileDriver } from "../../../src/drivers/file/driver.ts";
import { encodeStateRecord } from "../../../src/drivers/file/state_record.ts";
import { ioTest, scaled } from "../../_support/levels.ts";
import { StateDir } from "../_support/state_dir.ts";
import {
  failingAt,
  FIRST_RENAMED,
  permanent,
  systemFault,
  WRITE_STEPS,
} from "../_support/steps.ts";

const OPERATIONS = ["open", "write", "flush", "rename", "flush", "flush"] as const;

async function loaded(directory: string): Promise<number> {
  await using driver = await FileDriver.open({ directory });
  return await driver.loadHighWater();
}

for (const [index, step] of WRITE_STEPS.entries()) {
  ioTest(
    `FileDriver stops for good when a write fails at ${step}, old or new on disk`,
    async () => {
      await using dir = await StateDir.make();
      await dir.put("state", 1_000);
      const driver = await FileDriver.open({ directory: dir.path, failpoint: failingAt(step) });
      const stream = driver.leadershipEvents({ signal: new AbortController().signal });
      await stream.next();
      const led = assert.rejects(stream.next(), PermanentError);
      const message = `^Cannot persist the high-water 2000: Cannot ${
        OPERATIONS[index]
      } '${dir.path}`;
      const failed = assert.rejects(driver.persistHighWater(2_000, 0n), permanent(RegExp(message)));
      const behind = assert.rejects(driver.persistHighWater(3_000, 0n), permanent(RegExp(message)));
      await Promise.all([failed, behind, led]);
      await assert.rejects(
        driver.persistHighWater(500, 0n),
        permanent(/until the directory is opened/),
      );
      await assert.rejects(driver.loadHighWater(), PermanentError);
      await driver.close();
      assert.equal(await loaded(dir.path), index < FIRST_RENAMED ? 1_000 : 2_000);
    },
  );
}

const WAYS_OUT: ReadonlyArray<readonly [string, RegExp]> = [
  ["ENOSPC", /ENOSPC: told so; free some space;/],
  ["EDQUOT", /; free some space;/],
  ["EIO", /; the disk is failing: look at the system log/],
  ["EACCES", /; make the directory and its files readable and writable for this user;/],
  ["EROFS", /; mount the file system writable;/],
  ["EWHATEVER", /EWHATEVER: told so; remove the cause;/],
];

for (const [code, wayOut] of WAYS_OUT) {
  ioTest(`FileDriver.persistHighWater() tells the way out of ${code}`, async () => {
    await using dir = await StateDir.make();
    const step = "file::state::after_open_before_write";
    const failpoint = failingAt(step, systemFault(code, "told so"));
    await using driver = await FileDriver.open({ directory: dir.path, failpoint });
    await assert.rejects(driver.persistHighWater(1_000, 0n), permanent(wayOut));
    const temporary = `Cannot write '${dir.join("state.tmp")}': ${code}`;
    await assert.rejects(driver.loadHighWater(), permanent(RegExp(temporary)));
  });
}

ioTest(
  "FileDriver.persistHighWater() fails when something is in the way, and harms nothing",
  async () => {
    await using dir = await StateDir.make();
    await dir.put("state", 1_000);
    const driver = await FileDriver.open({ directory: dir.path });
    await Deno.mkdir(dir.join("state.tmp"));
    const expected = permanent(
      /Cannot open .*state\.tmp': EISDIR.*; move the directory that is in the/,
    );
    await assert.rejects(driver.persistHighWater(2_000, 0n), expected);
    await driver.close();
    await Deno.remove(dir.join("state.tmp"));
    assert.equal(await loaded(dir.path), 1_000);
  },
);

ioTest("FileDriver.persistHighWater() does not write through a link", async () => {
  await using dir = await StateDir.make();
  await dir.put("precious", 42);
  await using driver = await FileDriver.open({ directory: dir.path });
  await Deno.symlink("precious", dir.join("state.tmp"));
  await assert.rejects(driver.persistHighWater(2_000, 0n), permanent(/replace the symbolic link/));
  assert.equal(await dir.hex("precious"), encodeStateRecord(42).toHex());
});

ioTest("FileDriver.persistHighWater() fails when its directory is gone", async () => {
  await using dir = await StateDir.make();
  const directory = dir.join("state-dir");
  await using driver = await FileDriver.open({ directory });
  await Deno.remove(directory, { recursive: true });
  await assert.rejects(
    driver.persistHighWater(2_000, 0n),
    permanent(/LOCK': the file was replaced/),
  );
});

ioTest(
  "FileDriver over random writes and crashes never falls below what it acknowledged",
  async () => {
    const stepOrNone = fc.option(fc.constantFrom(...WRITE_STEPS), { nil: undefined });
    const round = fc.record({ raiseMs: fc.integer({ min: 1, max: 9 }), step: stepOrNone });
    const rounds = fc.array(round, { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(rounds, async (script) => {
        await using dir = await StateDir.make();
        let durableMs = 0;
        for (const { raiseMs, step } of script) {
          const failpoint = step === undefined ? undefined : failingAt(step);
          await using driver = await FileDriver.open({ directory: dir.path, failpoint });
          assert.equal(await driver.loadHighWater(), durableMs);
          const wantedMs = durableMs + raiseMs;
          const outcome = await driver.persistHighWater(wantedMs, 0n).catch(() => undefined);
          assert.equal(outcome, step === undefined ? wantedMs : undefined);
          const renamed = step === undefined || WRITE_STEPS.indexOf(step) >= FIRST_RENAMED;
          if (renamed) durableMs = wantedMs;
        }
        assert.equal(await loaded(dir.path), durableMs);
      }),
      { numRuns: scaled(30, 300) },
    );
  },
);
