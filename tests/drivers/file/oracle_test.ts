// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { FileDriver } from "../../../src/drivers/file/driver.ts";
import { OracleError } from "../../../src/server/errors.ts";
import { Oracle } from "../../../src/server/oracle.ts";
import { ManualClock } from "../../../src/testing/manual_clock.ts";
import { ioTest } from "../../_support/levels.ts";
import { StateDir } from "../_support/state_dir.ts";
import { failingOnceAt } from "../_support/steps.ts";

function isUnknown(error: unknown): boolean {
  return error instanceof OracleError && error.code === "outcome-unknown";
}

ioTest("FileDriver under an oracle keeps leading when a write of sequences fails", async () => {
  await using dir = await StateDir.make();
  const failpoint = failingOnceAt("file::dense::after_rename_before_dir_fsync");
  await using driver = await FileDriver.open({ directory: dir.path, failpoint });
  await using oracle = new Oracle({ driver });
  await oracle.untilServing();
  await assert.rejects(oracle.sequences.take({ key: "orders", count: 5 }), isUnknown);
  assert.equal((await oracle.getTs(1)).count, 1);
  assert.equal((await oracle.sequences.take({ key: "orders", count: 1 })).start, 5n);
});

ioTest("FileDriver under an oracle keeps leading when a write of leases fails", async () => {
  await using dir = await StateDir.make();
  const failpoint = failingOnceAt("file::leases::after_fsync_before_rename");
  await using driver = await FileDriver.open({ directory: dir.path, failpoint });
  await using oracle = new Oracle({ driver });
  await oracle.untilServing();
  const claim = { holder: Uint8Array.of(1), holderEpoch: 1n, ttlMs: 60_000 };
  await assert.rejects(oracle.leases.acquire(claim), OracleError);
  assert.equal((await oracle.getTs(1)).count, 1);
  const { leaseId } = await oracle.leases.acquire(claim);
  assert.deepEqual((await driver.loadLeases()).map((lease) => lease.leaseId), [leaseId]);
});

ioTest("FileDriver gives the next oracle its sequences and leases", async () => {
  await using dir = await StateDir.make();
  const claim = { holder: Uint8Array.of(1), holderEpoch: 1n, ttlMs: 60_000 };
  const ids: number[] = [];
  for (const start of [0n, 3n]) {
    await using driver = await FileDriver.open({ directory: dir.path });
    await using oracle = new Oracle({ driver });
    await oracle.untilServing();
    assert.equal((await oracle.sequences.take({ key: "orders", count: 3 })).start, start);
    ids.push((await oracle.leases.acquire(claim)).leaseId);
  }
  assert.equal(ids[0], ids[1], "the lease of the same holder and epoch was granted anew");
});

/** The defaults that docs/operations.md calls T, W and A, in milliseconds. */
const [T, W, A] = [300_000, 3_000, 1_000];

/** One life of an oracle on a directory. */
async function live<R>(
  directory: string,
  clock: ManualClock,
  work: (oracle: Oracle) => Promise<R>,
): Promise<R> {
  await using driver = await FileDriver.open({ directory });
  await using oracle = new Oracle({ driver, clock, heartbeatIntervalMs: 0 });
  await oracle.untilServing();
  return await work(oracle);
}

ioTest(
  "FileDriver.init() with the seed of docs/operations.md is above all that was issued, leases included",
  async () => {
    await using dir = await StateDir.make();
    const clock = new ManualClock({ nowMs: 1_790_000_000_000 });
    const claim = { holder: Uint8Array.of(1), holderEpoch: 1n, ttlMs: T };
    const { boundMs } = await live(dir.path, clock, (oracle) => oracle.leases.acquire(claim));
    const restarts = 5;
    let lastMs = 0;
    for (let left = restarts; left > 0; left--) {
      await clock.advance(100);
      lastMs = (await live(dir.path, clock, async (oracle) => await oracle.getTs(1))).physicalMs;
    }
    assert(lastMs > boundMs, "a restart begins above the bound");
    const seedPhysicalMs = clock.nowMs() + T + W + A + restarts * A;
    await Deno.remove(dir.join("state"));
    const tooLow = FileDriver.init({ directory: dir.path, seedPhysicalMs: clock.nowMs() + 60_000 });
    await assert.rejects(tooLow, { code: "behind-leases" });
    await FileDriver.init({ directory: dir.path, seedPhysicalMs });
    const next = await live(dir.path, clock, async (oracle) => await oracle.getTs(1));
    assert(next.physicalMs > lastMs);
  },
);
