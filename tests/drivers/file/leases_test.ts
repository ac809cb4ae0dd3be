// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { FencedError, TransientError } from "../../../src/consensus/errors.ts";
import type { LeaseRecord } from "../../../src/core/lease_table.ts";
import { FileDriver } from "../../../src/drivers/file/driver.ts";
import { encodeLeaseRecord } from "../../../src/drivers/records/lease_record.ts";
import { settle } from "../../../src/testing/manual_clock.ts";
import { ioTest } from "../../_support/levels.ts";
import { refused, StateDir } from "../_support/state_dir.ts";
import {
  failingAt,
  failingOnceAt,
  FIRST_RENAMED,
  HeldStep,
  permanent,
  writeStepsOf,
  wroteNothing,
} from "../_support/steps.ts";

const FIRST_STEP = "file::leases::before_open";
const LAST_STEP = "file::leases::after_dir_fsync";
const IN_DOUBT = permanent(/^Cannot write '.*leases': .*; the disk may hold the old or the new/);

/** Without a bound, as the high-water of these directories stays at 0. */
function lease(leaseId: number): LeaseRecord {
  return {
    leaseId,
    holder: new TextEncoder().encode("group-a"),
    holderEpoch: 1n,
    ttlMs: 10_000,
    boundMs: 0,
    expiresAtMs: leaseId + 10_000,
    superseded: false,
  };
}

async function idsOf(driver: FileDriver): Promise<number[]> {
  return (await driver.loadLeases()).map(({ leaseId }) => leaseId);
}

ioTest("FileDriver.persistLeases() leaves exactly the record of behaviour.md 15.4", async () => {
  await using dir = await StateDir.make();
  await using driver = await FileDriver.open({ directory: dir.path });
  await driver.persistLeases([{ ...lease(1_000_000), boundMs: 1_000_000 }], 0n);
  assert.equal(
    await dir.hex("leases"),
    "54534f4f010100000040420f0000000000070067726f75702d610100000000000000102700000000000040420f000000000050690f0000000000004fe53fc9",
  );
  assert.deepEqual(await dir.names(), ["LOCK", "leases"]);
});

ioTest("FileDriver.persistLeases() replaces all leases, also over a restart", async () => {
  await using dir = await StateDir.make();
  for (const ids of [[3, 1, 2], [7], []]) {
    {
      await using driver = await FileDriver.open({ directory: dir.path });
      await driver.persistLeases(ids.map(lease), 0n);
      assert.deepEqual(await driver.loadLeases(), ids.map(lease));
    }
    await using driver = await FileDriver.open({ directory: dir.path });
    assert.deepEqual(await driver.loadLeases(), ids.toSorted().map(lease));
  }
});

ioTest("FileDriver.persistLeases() shows leases only once they are durable", async () => {
  await using dir = await StateDir.make();
  const held = new HeldStep(LAST_STEP);
  await using driver = await FileDriver.open({ directory: dir.path, failpoint: held.failpoint });
  const written = driver.persistLeases([lease(1)], 0n);
  await held.reached;
  assert.deepEqual(await idsOf(driver), []);
  held.release();
  await written;
  assert.deepEqual(await idsOf(driver), [1]);
});

ioTest(
  "FileDriver.persistLeases() writes one at a time, and of those who wait the last",
  async () => {
    await using dir = await StateDir.make();
    const held = new HeldStep(LAST_STEP);
    await using driver = await FileDriver.open({ directory: dir.path, failpoint: held.failpoint });
    const first = driver.persistLeases([lease(1)], 0n);
    await held.reached;
    const stop = new AbortController();
    const others = [2, 3, 4].map((id) => driver.persistLeases([lease(id)], 0n));
    const gone = driver.persistLeases([lease(5)], 0n, { signal: stop.signal });
    stop.abort(new Error("enough"));
    await assert.rejects(gone, /enough/);
    await settle();
    assert.equal(held.count, 1);
    held.release();
    await Promise.all([first, ...others]);
    assert.equal(held.count, 2);
    assert.deepEqual(await idsOf(driver), [4]);
  },
);

ioTest(
  "FileDriver.persistLeases() with a signal that fires after its write began is answered",
  async () => {
    await using dir = await StateDir.make();
    const held = new HeldStep(FIRST_STEP);
    await using driver = await FileDriver.open({ directory: dir.path, failpoint: held.failpoint });
    const stop = new AbortController();
    const written = driver.persistLeases([lease(1)], 0n, { signal: stop.signal });
    await held.reached;
    stop.abort(new Error("enough"));
    held.release();
    await written;
    assert.deepEqual(await idsOf(driver), [1]);
  },
);

ioTest("FileDriver.persistLeases() that is fenced or wrong does no I/O", async () => {
  await using dir = await StateDir.make();
  await using driver = await FileDriver.open({ directory: dir.path });
  await assert.rejects(driver.persistLeases([lease(1)], 1n), FencedError);
  await assert.rejects(driver.persistLeases([lease(1), lease(1)], 0n), RangeError);
  await assert.rejects(driver.persistLeases([lease(-1)], 0n), RangeError);
  assert.deepEqual(await dir.names(), ["LOCK"]);
});

ioTest(
  "FileDriver.persistLeases() on a disk that hangs is answered with a transient error",
  async () => {
    await using dir = await StateDir.make();
    const held = new HeldStep(LAST_STEP);
    const options = { directory: dir.path, deadlineMs: 1, failpoint: held.failpoint };
    const driver = await FileDriver.open(options);
    await assert.rejects(driver.persistLeases([lease(1)], 0n), TransientError);
    await assert.rejects(
      driver.persistLeases([lease(2)], 0n),
      wroteNothing(/^Cannot begin with '.*leases'/),
    );
    held.release();
    await driver.close();
    await using again = await FileDriver.open({ directory: dir.path });
    assert.deepEqual(await idsOf(again), [1]);
  },
);

for (const [index, step] of writeStepsOf("leases").entries()) {
  const renamed = index >= FIRST_RENAMED;
  const found = renamed ? "the new" : "the old";

  ioTest(
    `FileDriver.persistLeases() that fails at ${step} goes on from ${found} leases`,
    async () => {
      await using dir = await StateDir.make();
      await dir.put("leases", encodeLeaseRecord([lease(1)]));
      const failpoint = failingOnceAt(step);
      await using driver = await FileDriver.open({ directory: dir.path, failpoint });
      await assert.rejects(driver.persistLeases([lease(2)], 0n), IN_DOUBT);
      assert.deepEqual(await idsOf(driver), renamed ? [2] : [1]);
      await driver.persistLeases([lease(3)], 0n);
      assert.deepEqual(await idsOf(driver), [3]);
      assert.equal(await driver.persistHighWater(1_000, 0n), 1_000, "it no longer leads");
    },
  );
}

ioTest(
  "FileDriver.persistLeases() refuses everything while the file cannot be read again",
  async () => {
    await using dir = await StateDir.make();
    const failpoint = failingAt("file::leases::after_write_before_fsync");
    await using driver = await FileDriver.open({ directory: dir.path, failpoint });
    await assert.rejects(driver.persistLeases([lease(1)], 0n), IN_DOUBT);
    await dir.put("leases", encodeLeaseRecord([lease(9)]));
    const unreadable = /^Cannot go on with '.*leases' .*it holds neither what was there/;
    await assert.rejects(driver.persistLeases([lease(1)], 0n), wroteNothing(unreadable));
    await assert.rejects(driver.loadLeases(), permanent(unreadable));
    await Deno.remove(dir.join("leases"));
    assert.deepEqual(await idsOf(driver), []);
  },
);

ioTest("FileDriver.persistLeases() acknowledges and writes nothing under a lost lock", async () => {
  await using dir = await StateDir.make();
  const held = new HeldStep(LAST_STEP);
  await using driver = await FileDriver.open({ directory: dir.path, failpoint: held.failpoint });
  const written = assert.rejects(driver.persistLeases([lease(1)], 0n), permanent(/was replaced/));
  await held.reached;
  await Deno.remove(dir.join("LOCK"));
  held.release();
  await written;
  await assert.rejects(driver.persistLeases([lease(2)], 0n), wroteNothing(/was replaced/));
  assert.equal(held.count, 1);
});

ioTest("FileDriver.open() refuses leases that are not whole", async () => {
  await using dir = await StateDir.make();
  await dir.put("leases", encodeLeaseRecord([lease(1)]).subarray(0, 12));
  await refused(
    FileDriver.open({ directory: dir.path }),
    "truncated",
    /leases': .*; move the file/,
  );
});

ioTest("FileDriver.close() waits for the write of leases and refuses those behind it", async () => {
  await using dir = await StateDir.make();
  const held = new HeldStep(LAST_STEP);
  const driver = await FileDriver.open({ directory: dir.path, failpoint: held.failpoint });
  const inFlight = driver.persistLeases([lease(1)], 0n);
  await held.reached;
  const behind = assert.rejects(driver.persistLeases([lease(2)], 0n), wroteNothing(/is closed/));
  let closed = false;
  const closing = driver.close().then(() => {
    closed = true;
  });
  await behind;
  await settle();
  assert.equal(closed, false);
  held.release();
  await Promise.all([inFlight, closing]);
  await assert.rejects(driver.loadLeases(), permanent(/is closed/));
});
