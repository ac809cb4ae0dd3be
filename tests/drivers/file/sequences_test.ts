// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import {
  FencedError,
  SequenceKeyLimitError,
  SequenceOverflowError,
  TransientError,
} from "../../../src/consensus/errors.ts";
import { DenseRecord } from "../../../src/drivers/records/dense_record.ts";
import { FileDriver } from "../../../src/drivers/file/driver.ts";
import { settle } from "../../../src/testing/manual_clock.ts";
import { ioTest } from "../../_support/levels.ts";
import { refused, StateDir } from "../_support/state_dir.ts";
import { HeldStep, permanent, writeStepsOf, wroteNothing } from "../_support/steps.ts";

const FIRST_STEP = "file::dense::before_open";
const LAST_STEP = "file::dense::after_dir_fsync";
const MAX = (1n << 64n) - 1n;

/** Waits until the driver has seen something happen. */
async function until(happened: () => Promise<boolean>): Promise<void> {
  for (let waits = 0; !await happened(); waits++) {
    assert.ok(waits < 5_000, "it did not happen");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function take(driver: FileDriver, key: string, count = 1, signal?: AbortSignal): Promise<bigint> {
  return driver.advanceDense({ key, count }, 0n, { signal });
}

async function put(dir: StateDir, counters: Record<string, bigint>, keyLimit = 10): Promise<void> {
  await dir.put("dense", DenseRecord.of(keyLimit, new Map(Object.entries(counters))).bytes);
}

async function keyLimitOf(dir: StateDir): Promise<number> {
  return DenseRecord.decode(await Deno.readFile(dir.join("dense")), "dense").keyLimit;
}

ioTest("FileDriver.advanceDense() leaves exactly the record of behaviour.md 15.3", async () => {
  await using dir = await StateDir.make();
  await using driver = await FileDriver.open({ directory: dir.path });
  assert.equal(await take(driver, "users", 7), 0n);
  assert.equal(await take(driver, "orders", 42), 0n);
  assert.equal(
    await dir.hex("dense"),
    "54534f440110270000000000000200000006006f72646572732a00000000000000050075736572730700000000000000009d9a5d",
  );
  assert.deepEqual(await dir.names(), ["LOCK", "dense"]);
});

ioTest("FileDriver.advanceDense() goes by the request as it was when it was called", async () => {
  await using dir = await StateDir.make();
  await using driver = await FileDriver.open({ directory: dir.path });
  const request = { key: "a", count: 2 };
  const batch = [{ key: "b", count: 3 }, { key: "c", count: 4 }];
  const taking = [driver.advanceDense(request, 0n), driver.advanceDenseBatch(batch, 0n)];
  Object.assign(request, { key: "b", count: 9 });
  Object.assign(batch[0] ?? {}, { count: 9 });
  batch.pop();
  assert.deepEqual(await Promise.all(taking), [0n, [0n, 0n]]);
  const nexts = ["a", "b", "c"].map((key) => driver.loadDenseSeq(key));
  assert.deepEqual(await Promise.all(nexts), [2n, 3n, 4n]);
});

ioTest("FileDriver.advanceDense() goes on where the file of the original ends", async () => {
  await using dir = await StateDir.make();
  await put(dir, { orders: 42n });
  await using driver = await FileDriver.open({ directory: dir.path });
  assert.equal(await driver.loadDenseSeq("orders"), 42n);
  assert.equal(await driver.loadDenseSeq("users"), 0n);
  assert.equal(await take(driver, "orders", 8), 42n);
  await driver.close();
  await using again = await FileDriver.open({ directory: dir.path });
  assert.equal(await again.loadDenseSeq("orders"), 50n);
});

ioTest(
  "FileDriver.advanceDense() writes once for all calls of a turn, and for all who wait",
  async () => {
    await using dir = await StateDir.make();
    const held = new HeldStep(LAST_STEP);
    await using driver = await FileDriver.open({ directory: dir.path, failpoint: held.failpoint });
    const calls = Array.from({ length: 500 }, () => take(driver, "orders", 2));
    await held.reached;
    const behind = Array.from({ length: 500 }, () => take(driver, "orders", 2));
    await settle();
    assert.equal(held.count, 1);
    assert.equal(await driver.loadDenseSeq("orders"), 0n);
    held.release();
    const starts = await Promise.all([...calls, ...behind]);
    assert.deepEqual(starts, starts.map((_, index) => 2n * BigInt(index)));
    assert.equal(held.count, 2);
  },
);

ioTest("FileDriver.advanceDense() that is refused fails alone in its group", async () => {
  await using dir = await StateDir.make();
  await put(dir, { full: MAX - 3n, a: 1n }, 3);
  const steps: string[] = [];
  const failpoint = (name: string) => void steps.push(name);
  await using driver = await FileDriver.open({ directory: dir.path, failpoint });
  const outcomes = await Promise.allSettled([
    take(driver, "full", 3),
    take(driver, "full", 1),
    take(driver, "new"),
    take(driver, "newer"),
    take(driver, "a", 0),
    take(driver, "\ud834"),
    driver.advanceDenseBatch([{ key: "a", count: 9 }, { key: "full", count: 1 }], 0n),
    take(driver, "a"),
  ]);
  const reasons = outcomes.map((each) => each.status === "rejected" ? each.reason : each.value);
  assert.deepEqual([reasons[0], reasons[2], reasons[7]], [MAX - 3n, 0n, 1n]);
  assert.ok(reasons[1] instanceof SequenceOverflowError);
  assert.ok(reasons[3] instanceof SequenceKeyLimitError && reasons[3].limit === 3);
  assert.ok(reasons[4] instanceof RangeError && reasons[5] instanceof RangeError);
  assert.ok(reasons[6] instanceof SequenceOverflowError);
  assert.equal(await driver.loadDenseSeq("full"), MAX);
  assert.deepEqual(steps, writeStepsOf("dense"));
});

ioTest("FileDriver.advanceDense() that is refused alone does no I/O", async () => {
  await using dir = await StateDir.make();
  await put(dir, { full: MAX });
  const steps: string[] = [];
  const failpoint = (name: string) => void steps.push(name);
  await using driver = await FileDriver.open({ directory: dir.path, failpoint });
  await assert.rejects(take(driver, "full"), SequenceOverflowError);
  assert.deepEqual(await driver.advanceDenseBatch([], 0n), []);
  for (const epoch of [1n, 1n << 127n]) {
    await assert.rejects(driver.advanceDense({ key: "a", count: 1 }, epoch), FencedError);
    await assert.rejects(driver.advanceDenseBatch([{ key: "a", count: 1 }], epoch), FencedError);
  }
  assert.deepEqual(steps, []);
});

ioTest("FileDriver.advanceDenseBatch() takes of all keys in one write", async () => {
  await using dir = await StateDir.make();
  const held = new HeldStep(LAST_STEP);
  held.release();
  await using driver = await FileDriver.open({ directory: dir.path, failpoint: held.failpoint });
  const requests = [{ key: "b", count: 3 }, { key: "a", count: 2 }];
  assert.deepEqual(await driver.advanceDenseBatch(requests, 0n), [0n, 0n]);
  assert.deepEqual(await driver.advanceDenseBatch(requests.toReversed(), 0n), [2n, 3n]);
  assert.equal(held.count, 2);
});

ioTest(
  "FileDriver.advanceDense() with a signal that fires before its write takes nothing",
  async () => {
    await using dir = await StateDir.make();
    const held = new HeldStep(LAST_STEP);
    await using driver = await FileDriver.open({ directory: dir.path, failpoint: held.failpoint });
    const reason = new Error("enough");
    const fired = AbortSignal.abort(reason);
    await assert.rejects(take(driver, "orders", 100, fired), reason);
    const first = take(driver, "orders", 1);
    await held.reached;
    const stop = new AbortController();
    const waiting = assert.rejects(take(driver, "orders", 100, stop.signal), reason);
    const last = take(driver, "orders", 1);
    stop.abort(reason);
    await waiting;
    held.release();
    assert.deepEqual(await Promise.all([first, last]), [0n, 1n]);
    assert.equal(await driver.loadDenseSeq("orders"), 2n);
  },
);

ioTest(
  "FileDriver.advanceDense() with a signal that fires after its write began is answered",
  async () => {
    await using dir = await StateDir.make();
    const held = new HeldStep(FIRST_STEP);
    await using driver = await FileDriver.open({ directory: dir.path, failpoint: held.failpoint });
    const stop = new AbortController();
    const taken = take(driver, "orders", 5, stop.signal);
    await held.reached;
    stop.abort(new Error("enough"));
    held.release();
    assert.equal(await taken, 0n);
    assert.equal(await driver.loadDenseSeq("orders"), 5n);
  },
);

ioTest(
  "FileDriver.advanceDense() on a disk that hangs: late calls are unknown, waiting ones took nothing",
  async () => {
    await using dir = await StateDir.make();
    const held = new HeldStep(LAST_STEP);
    const options = { directory: dir.path, deadlineMs: 20, failpoint: held.failpoint };
    await using driver = await FileDriver.open(options);
    const late = assert.rejects(take(driver, "orders", 5), (error) => {
      return error instanceof TransientError &&
        /goes on and may still succeed$/.test(error.message);
    });
    await held.reached;
    const waiting = assert.rejects(
      take(driver, "orders", 7),
      wroteNothing(/^Cannot begin with '.*dense' within 20 ms/),
    );
    await Promise.all([late, waiting]);
    assert.equal(await driver.loadDenseSeq("orders"), 0n);
    held.release();
    await until(async () => await driver.loadDenseSeq("orders") === 5n);
    await driver.close();
    await using again = await FileDriver.open({ directory: dir.path });
    assert.equal(await again.loadDenseSeq("orders"), 5n);
  },
);

ioTest(
  "FileDriver.open() takes the limit of keys from its option, or else from the file",
  async () => {
    await using dir = await StateDir.make();
    const directory = dir.path;
    {
      await using driver = await FileDriver.open({ directory, maxSequenceKeys: 1 });
      await take(driver, "a");
      await assert.rejects(take(driver, "b"), SequenceKeyLimitError);
      assert.equal(await keyLimitOf(dir), 1);
    }
    {
      await using driver = await FileDriver.open({ directory });
      await assert.rejects(take(driver, "b"), SequenceKeyLimitError);
    }
    {
      await using driver = await FileDriver.open({ directory, maxSequenceKeys: 2 });
      assert.equal(await keyLimitOf(dir), 1);
      await take(driver, "b");
      assert.equal(await keyLimitOf(dir), 2);
    }
    await using driver = await FileDriver.open({ directory, maxSequenceKeys: 1 });
    assert.deepEqual([await take(driver, "a"), await take(driver, "b")], [1n, 1n]);
    assert.equal(await keyLimitOf(dir), 1);
    await assert.rejects(take(driver, "c"), SequenceKeyLimitError);
  },
);

ioTest("FileDriver.open() refuses a limit of keys that cannot be stored", async () => {
  await using dir = await StateDir.make();
  for (const maxSequenceKeys of [0, -1, 0.5, NaN, 2 ** 32]) {
    await assert.rejects(FileDriver.open({ directory: dir.path, maxSequenceKeys }), RangeError);
  }
  assert.deepEqual(await dir.names(), []);
});

ioTest(
  "FileDriver.open() refuses sequences that are not whole, and gives the lock back",
  async () => {
    await using dir = await StateDir.make();
    await put(dir, { orders: 42n });
    const record = await Deno.readFile(dir.join("dense"));
    await dir.put("dense", record.subarray(0, 30));
    await refused(
      FileDriver.open({ directory: dir.path }),
      "corrupt",
      /dense': its checksum.*put a copy/,
    );
    await dir.put("dense", record);
    await using driver = await FileDriver.open({ directory: dir.path });
    assert.equal(await driver.loadDenseSeq("orders"), 42n);
  },
);

for (const name of ["dense", "dense.tmp", "leases", "leases.tmp"]) {
  ioTest(`FileDriver.open() refuses a link in place of ${name}`, async () => {
    await using dir = await StateDir.make();
    await Deno.symlink("elsewhere", dir.join(name));
    await refused(FileDriver.open({ directory: dir.path }), "corrupt", /not a regular file; move/);
  });
}

ioTest("FileDriver.init() leaves sequences and leases as they are", async () => {
  await using dir = await StateDir.make();
  await put(dir, { orders: 42n });
  await FileDriver.init({ directory: dir.path, seedPhysicalMs: 1_000 });
  await using driver = await FileDriver.open({ directory: dir.path });
  assert.equal(await driver.loadDenseSeq("orders"), 42n);
});

ioTest(
  "FileDriver.close() waits for the write of sequences and refuses those behind it",
  async () => {
    await using dir = await StateDir.make();
    const held = new HeldStep(LAST_STEP);
    const driver = await FileDriver.open({ directory: dir.path, failpoint: held.failpoint });
    const inFlight = take(driver, "orders", 5);
    await held.reached;
    const behind = assert.rejects(take(driver, "orders", 7), wroteNothing(/is closed/));
    let closed = false;
    const closing = driver.close().then(() => {
      closed = true;
    });
    await behind;
    await settle();
    assert.equal(closed, false);
    held.release();
    assert.equal(await inFlight, 0n);
    await closing;
    await assert.rejects(take(driver, "orders"), wroteNothing(/is closed/));
    await assert.rejects(driver.loadDenseSeq("orders"), permanent(/is closed/));
    await using again = await FileDriver.open({ directory: dir.path });
    assert.equal(await again.loadDenseSeq("orders"), 5n);
  },
);
