// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { driverWithout } from "../../src/testing/driver_without.ts";
import { ScriptedDriver } from "../../src/testing/scripted_driver.ts";
import { modelHarness } from "./_support/model_cluster.ts";

const OPTIONAL = [
  "loadDenseSeq",
  "advanceDense",
  "advanceDenseBatch",
  "loadLeases",
  "persistLeases",
] as const;

Deno.test("driverWithout() leaves out each method that it is told, and no other", () => {
  for (const name of OPTIONAL) {
    const driver = driverWithout(new ScriptedDriver(), [name]);
    assert.deepEqual(OPTIONAL.filter((each) => driver[each] === undefined), [name]);
  }
});

Deno.test("driverWithout() without a list leaves a driver of timestamps alone", async () => {
  const scripted = new ScriptedDriver();
  const driver = driverWithout(scripted);
  assert.deepEqual(OPTIONAL.filter((name) => driver[name] !== undefined), []);
  assert.equal(await driver.persistHighWater(1_000, 0n), 1_000);
  assert.equal(scripted.highWaterMs, 1_000);
});

Deno.test("driverWithout() passes what is left on to the driver", async () => {
  const scripted = new ScriptedDriver({ sequences: [["orders", 7n]] });
  const driver = driverWithout(scripted, ["advanceDenseBatch"]);
  assert.equal(await driver.advanceDense?.({ key: "orders", count: 3 }, 0n), 7n);
  assert.equal(await driver.loadDenseSeq?.("orders"), 10n);
});

Deno.test("driverWithout() keeps the resignation of a driver, unless told otherwise", async () => {
  const open = modelHarness().open;
  const kept = driverWithout(await open(), ["loadLeases"]);
  assert.equal(await kept.resign?.({ signal: AbortSignal.abort() }), false);
  assert.equal(driverWithout(await open(), ["resign"]).resign, undefined);
  assert.equal(driverWithout(await open()).resign, undefined);
});
