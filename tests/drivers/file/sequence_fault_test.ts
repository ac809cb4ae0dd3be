// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import fc from "fast-check";
import type { Failpoint } from "../../../src/core/failpoint.ts";
import { DenseRecord } from "../../../src/drivers/records/dense_record.ts";
import { FileDriver } from "../../../src/drivers/file/driver.ts";
import { GapChecker } from "../../../src/testing/gap_checker.ts";
import { ioTest, scaled } from "../../_support/levels.ts";
import { StateDir } from "../_support/state_dir.ts";
import {
  failingAt,
  failingOnceAt,
  FIRST_RENAMED,
  HeldStep,
  permanent,
  writeStepsOf,
  wroteNothing,
} from "../_support/steps.ts";

const STEPS = writeStepsOf("dense");
const IN_DOUBT = permanent(/^Cannot write '.*dense': .*; the disk may hold the old or the new/);
const UNREADABLE =
  /^Cannot go on with '.*dense' after a write that failed: .*; the next call tries/;
const ENDED = wroteNothing(/Cannot persist the high-water 2000/);

function take(driver: FileDriver, count: number, key = "orders"): Promise<bigint> {
  return driver.advanceDense({ key, count }, 0n);
}

/** A directory in which `orders` is at 10, and a driver for it. */
async function begun(failpoint: Failpoint): Promise<readonly [StateDir, FileDriver]> {
  const dir = await StateDir.make();
  await dir.put("dense", DenseRecord.of(10, new Map([["orders", 10n]])).bytes);
  return [dir, await FileDriver.open({ directory: dir.path, failpoint })];
}

for (const [index, step] of STEPS.entries()) {
  const renamed = index >= FIRST_RENAMED;
  const found = renamed ? "the new" : "the old";

  ioTest(
    `FileDriver.advanceDense() that fails at ${step} goes on from ${found} counter`,
    async () => {
      const [dir, opened] = await begun(failingOnceAt(step));
      await using _dir = dir;
      await using driver = opened;
      await Promise.all([
        assert.rejects(take(driver, 5), IN_DOUBT),
        assert.rejects(take(driver, 2), IN_DOUBT),
        assert.rejects(take(driver, 1, "users"), IN_DOUBT),
      ]);
      const next = renamed ? 17n : 10n;
      assert.equal(await driver.loadDenseSeq("orders"), next);
      assert.equal(await driver.loadDenseSeq("users"), renamed ? 1n : 0n);
      assert.equal(await take(driver, 1), next);
      assert.equal(await driver.persistHighWater(1_000, 0n), 1_000, "it no longer leads");
    },
  );

  ioTest(
    `FileDriver.advanceDense() that fails at ${step} reads again before the next write`,
    async () => {
      const [dir, opened] = await begun(failingOnceAt(step));
      await using _dir = dir;
      await using driver = opened;
      await assert.rejects(take(driver, 5), IN_DOUBT);
      assert.deepEqual(
        await Promise.all([take(driver, 1), take(driver, 1)]),
        renamed ? [15n, 16n] : [10n, 11n],
      );
    },
  );
}

ioTest(
  "FileDriver.advanceDense() refuses everything while the file cannot be read again",
  async () => {
    const [dir, opened] = await begun(failingOnceAt("file::dense::after_dir_fsync"));
    await using _dir = dir;
    await using driver = opened;
    await assert.rejects(take(driver, 5), IN_DOUBT);
    const written = await Deno.readFile(dir.join("dense"));
    const wrong = [
      written.subarray(0, 9),
      DenseRecord.of(10, new Map([["orders", 3n]])).bytes,
      DenseRecord.of(10, new Map([["orders", 99n]])).bytes,
    ];
    for (const bytes of wrong) {
      await dir.put("dense", bytes);
      await assert.rejects(take(driver, 1), wroteNothing(UNREADABLE));
      await assert.rejects(driver.loadDenseSeq("orders"), permanent(UNREADABLE));
    }
    await Deno.remove(dir.join("dense"));
    await assert.rejects(take(driver, 1), wroteNothing(UNREADABLE));
    await Deno.mkdir(dir.join("dense"));
    await assert.rejects(take(driver, 1), wroteNothing(UNREADABLE));
    await Deno.remove(dir.join("dense"));
    await dir.put("dense", written);
    assert.equal(await take(driver, 1), 15n);
  },
);

ioTest("FileDriver.advanceDense() that fails in a new directory goes on from nothing", async () => {
  await using dir = await StateDir.make();
  const failpoint = failingOnceAt("file::dense::after_write_before_fsync");
  await using driver = await FileDriver.open({ directory: dir.path, failpoint });
  await assert.rejects(take(driver, 5), IN_DOUBT);
  assert.equal(await take(driver, 5), 0n);
});

ioTest(
  "FileDriver.advanceDense() fails again and again on a disk that fails, and takes nothing",
  async () => {
    const [dir, opened] = await begun(failingAt("file::dense::after_write_before_fsync"));
    await using _dir = dir;
    await using driver = opened;
    for (let call = 0; call < 5; call++) {
      await assert.rejects(take(driver, 5), IN_DOUBT);
      assert.equal(await driver.loadDenseSeq("orders"), 10n);
    }
  },
);

ioTest("FileDriver.advanceDense() behind a write that fails sees what the disk holds", async () => {
  const held = new HeldStep("file::dense::after_rename_before_dir_fsync");
  const failing = failingOnceAt("file::dense::after_rename_before_dir_fsync");
  const failpoint = async (name: string) => {
    await held.failpoint(name);
    await failing(name);
  };
  const [dir, opened] = await begun(failpoint);
  await using _dir = dir;
  await using driver = opened;
  const failed = assert.rejects(take(driver, 5), IN_DOUBT);
  await held.reached;
  const behind = [take(driver, 1), take(driver, 1)];
  held.release();
  await failed;
  assert.deepEqual(await Promise.all(behind), [15n, 16n]);
});

ioTest("FileDriver.advanceDense() acknowledges and writes nothing under a lost lock", async () => {
  const held = new HeldStep("file::dense::after_dir_fsync");
  const [dir, opened] = await begun(held.failpoint);
  await using _dir = dir;
  await using driver = opened;
  const taken = assert.rejects(take(driver, 5), permanent(/LOCK': the file was replaced/));
  await held.reached;
  await Deno.remove(dir.join("LOCK"));
  held.release();
  await taken;
  await dir.put("dense", DenseRecord.of(10, new Map([["orders", 99n]])).bytes);
  await assert.rejects(take(driver, 5), wroteNothing(/LOCK': the file was replaced/));
  assert.equal(held.count, 1);
});

ioTest("FileDriver stops taking ordinals once a write of its state has failed", async () => {
  const held = new HeldStep("file::dense::after_dir_fsync");
  const failing = failingAt("file::state::before_open");
  const failpoint = async (name: string) => {
    await failing(name);
    await held.failpoint(name);
  };
  const [dir, opened] = await begun(failpoint);
  await using _dir = dir;
  await using driver = opened;
  const inFlight = take(driver, 5);
  await held.reached;
  const behind = assert.rejects(take(driver, 5), ENDED);
  await assert.rejects(driver.persistHighWater(2_000, 0n));
  await behind;
  held.release();
  assert.equal(await inFlight, 10n);
  await assert.rejects(take(driver, 5), ENDED);
});

/** One call: how many ordinals, and where its write fails the first time, if it does. */
interface Call {
  readonly count: number;
  readonly step: string | undefined;
}

ioTest(
  "FileDriver over random faults and restarts: blocks received and unknown tile the counter",
  async () => {
    const call: fc.Arbitrary<Call> = fc.record({
      count: fc.integer({ min: 1, max: 3 }),
      step: fc.option(fc.constantFrom(...STEPS), { nil: undefined, freq: 2 }),
    });
    const lives = fc.array(
      fc.array(fc.array(call, { minLength: 1, maxLength: 4 }), { maxLength: 4 }),
      {
        maxLength: 3,
      },
    );
    await fc.assert(
      fc.asyncProperty(lives, async (script) => {
        await using dir = await StateDir.make();
        const checker = new GapChecker();
        for (const groups of script) {
          let step: string | undefined;
          const failpoint = (name: string) => {
            if (name === step) throw new Error("planted");
          };
          await using driver = await FileDriver.open({ directory: dir.path, failpoint });
          for (const group of groups) {
            step = group.find((each) => each.step !== undefined)?.step;
            const outcomes = await Promise.allSettled(
              group.map(({ count }) => take(driver, count)),
            );
            outcomes.forEach((outcome, index) => {
              const { count = 0 } = group[index] ?? {};
              if (outcome.status === "rejected") checker.unknown(count);
              else checker.received({ start: outcome.value, count });
            });
          }
          step = undefined;
          assert.deepEqual(checker.check(await driver.loadDenseSeq("orders")), []);
        }
        await using driver = await FileDriver.open({ directory: dir.path });
        assert.deepEqual(checker.check(await driver.loadDenseSeq("orders")), []);
      }),
      { numRuns: scaled(30, 300) },
    );
  },
);
