// SPDX-License-Identifier: Apache-2.0

import { FileDriver } from "../../../src/drivers/file/driver.ts";
import { DenseRecord } from "../../../src/drivers/records/dense_record.ts";
import { testDriverConformance } from "../../../src/testing/driver_conformance.ts";
import { ioTest } from "../../_support/levels.ts";
import { StateDir } from "../_support/state_dir.ts";

/** Long enough for a disk that answers, so that only one that is held is late. */
const DEADLINE_MS = 2_000;

/** A disk that can be held: writes then stand still before their first step. */
class Disk {
  #held: PromiseWithResolvers<void> | undefined;

  readonly failpoint = async (): Promise<void> => {
    await this.#held?.promise;
  };

  hold(): () => Promise<void> {
    const held = this.#held = Promise.withResolvers<void>();
    return () => {
      this.#held = undefined;
      held.resolve();
      return Promise.resolve();
    };
  }
}

const diskOf = new WeakMap<FileDriver, Disk>();

async function open(directory: string): Promise<FileDriver> {
  const disk = new Disk();
  const { failpoint } = disk;
  const driver = await FileDriver.open({ directory, failpoint, deadlineMs: DEADLINE_MS });
  diskOf.set(driver, disk);
  return driver;
}

testDriverConformance("FileDriver", {
  test: ioTest,
  open: async () => await open((await StateDir.make()).path),
  openWith: async ({ sequences, maxSequenceKeys }) => {
    const dir = await StateDir.make();
    await dir.put("dense", DenseRecord.of(maxSequenceKeys, sequences).bytes);
    return await open(dir.path);
  },
  reopen: async (driver) => {
    await driver.close();
    return await open(driver.directory);
  },
  close: async (driver) => {
    await driver.close();
    await Deno.remove(driver.directory, { recursive: true });
  },
  silence: (driver) => Promise.resolve(diskOf.get(driver)?.hold() ?? (() => Promise.resolve())),
});
