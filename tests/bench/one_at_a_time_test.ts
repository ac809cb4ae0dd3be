// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { oneAtATime } from "../../bench/one_at_a_time.ts";
import { MemoryDriver } from "../../src/drivers/memory/mod.ts";

/** Counts the calls for ordinals that are under way together. */
class WatchedDriver extends MemoryDriver {
  most = 0;
  #open = 0;

  override async advanceDense(
    ...call: Parameters<MemoryDriver["advanceDense"]>
  ): Promise<bigint> {
    this.most = Math.max(this.most, ++this.#open);
    try {
      await Promise.resolve();
      return await super.advanceDense(...call);
    } finally {
      this.#open--;
    }
  }
}

async function takeTogether(driver: Pick<WatchedDriver, "advanceDense">): Promise<bigint[]> {
  const requests = Array.from({ length: 5 }, () => ({ key: "orders", count: 2 }));
  return await Promise.all(requests.map((request) => driver.advanceDense(request, 1n)));
}

Deno.test("oneAtATime() lets one call for ordinals through after the other", async () => {
  const driver = new WatchedDriver();
  const { advanceDense } = oneAtATime(driver);
  assert.ok(advanceDense !== undefined);
  assert.deepEqual(await takeTogether({ advanceDense }), [0n, 2n, 4n, 6n, 8n]);
  assert.equal(driver.most, 1);
  await takeTogether(driver);
  assert.equal(driver.most, 5);
});

Deno.test("oneAtATime() goes on after a call that failed", async () => {
  const { advanceDense } = oneAtATime(new MemoryDriver());
  await assert.rejects(async () => await advanceDense?.({ key: "", count: 1 }, 1n));
  assert.equal(await advanceDense?.({ key: "orders", count: 1 }, 1n), 0n);
});
