// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { LeaseRecord } from "../../../src/core/lease_table.ts";
import { FileDriver } from "../../../src/drivers/file/driver.ts";
import { encodeLeaseRecord } from "../../../src/drivers/records/lease_record.ts";
import { ioTest } from "../../_support/levels.ts";
import { refused, StateDir } from "../_support/state_dir.ts";

function lease(leaseId: number, boundMs: number): LeaseRecord {
  return {
    leaseId,
    holder: Uint8Array.of(1),
    holderEpoch: 1n,
    ttlMs: 10_000,
    boundMs,
    expiresAtMs: boundMs,
    superseded: leaseId === 2,
  };
}

/** A directory with leases up to 2000, and with this high-water if there is a state. */
async function leased(highWaterMs?: number): Promise<StateDir> {
  const dir = await StateDir.make();
  const leases = [lease(1, 1_000), lease(2, 2_000), lease(3, 1_500)];
  await dir.put("leases", encodeLeaseRecord(leases));
  if (highWaterMs !== undefined) await dir.put("state", highWaterMs);
  return dir;
}

const BEHIND = /lease 2 in '.*leases' allows up to 2000.*'--seed-physical-ms' of 2000 at the very/;

for (const highWaterMs of [undefined, 0, 1_999]) {
  const what = highWaterMs === undefined
    ? "without a state"
    : `with a high-water of ${highWaterMs}`;
  ioTest(`FileDriver.open() ${what} refuses leases up to 2000: the state went back`, async () => {
    await using dir = await leased(highWaterMs);
    const before = [await dir.names(), await dir.hex("leases")];
    await refused(FileDriver.open({ directory: dir.path }), "behind-leases", BEHIND);
    assert.deepEqual([
      (await dir.names()).filter((name) => name !== "LOCK"),
      await dir.hex("leases"),
    ], before);
    await Deno.remove(dir.join("leases"));
    await using _driver = await FileDriver.open({ directory: dir.path });
  });
}

ioTest("FileDriver.open() takes leases up to the high-water", async () => {
  await using dir = await leased(2_000);
  await using driver = await FileDriver.open({ directory: dir.path });
  assert.equal((await driver.loadLeases()).length, 3);
});

ioTest("FileDriver.init() refuses a seed below a lease, and takes one at its bound", async () => {
  await using dir = await leased();
  const directory = dir.path;
  await refused(FileDriver.init({ directory, seedPhysicalMs: 1_999 }), "behind-leases", BEHIND);
  assert.deepEqual(await dir.names(), ["LOCK", "leases"]);
  await FileDriver.init({ directory, seedPhysicalMs: 2_000 });
  await using driver = await FileDriver.open({ directory });
  assert.equal(await driver.loadHighWater(), 2_000);
});

ioTest("FileDriver.init() refuses leases that are not whole, and makes nothing", async () => {
  await using dir = await StateDir.make();
  await dir.put("leases", new Uint8Array(5));
  const init = FileDriver.init({ directory: dir.path, seedPhysicalMs: 2_000 });
  await refused(init, "corrupt", /leases': .*; move the file/);
  assert.deepEqual(await dir.names(), ["LOCK", "leases"]);
});
