// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { isFenced, isTransient } from "./driver_check.ts";
import type { DriverCheck } from "./driver_check.ts";
import { tryUntil } from "./patience.ts";
import { openStandby, replaceSilenced } from "./succession.ts";

/** The promises about who leads for how long. */
export const CERTAINTY_CHECKS: readonly DriverCheck[] = [
  {
    id: "certain-until-is-a-number",
    title: "certainUntil() is a number each time it is read",
    needs: [],
    run: async (trial) => {
      const { certainUntil } = await trial.watch().leader();
      for (let read = 0; certainUntil && read < 3; read++) {
        assert.equal(typeof certainUntil(), "number");
        assert.ok(!Number.isNaN(certainUntil()), "certainUntil() returned NaN");
      }
    },
  },
  {
    id: "certain-until-ends-first",
    title: "certainUntil() is over before another node leads",
    needs: ["standby", "silence"],
    run: async (trial) => {
      const { certainUntil } = await trial.watch().leader();
      assert.ok(certainUntil, "a leader that can be replaced has no certainUntil");
      let latestMs = -Infinity;
      let replacedMs = NaN;
      await replaceSilenced(trial, await openStandby(trial), () => {
        latestMs = Math.max(latestMs, certainUntil());
        replacedMs = trial.monotonicMs();
      });
      const certainMs = latestMs - replacedMs;
      assert.ok(certainMs < 0, `the old leader had been certain for ${certainMs} ms more`);
    },
  },
  {
    id: "fenced-by-election",
    title: "an epoch is overtaken by the election of the next, before that writes anything",
    needs: ["standby", "silence"],
    run: async (trial) => {
      const { driver } = trial;
      const epoch = await trial.lead();
      await driver.persistHighWater(1_000, epoch);
      const standby = await openStandby(trial);
      await replaceSilenced(trial, standby);
      await tryUntil(async () => await wasRefused(driver.persistHighWater(2_000, epoch)), {
        signal: trial.ended,
      });
      assert.equal(await standby.loadHighWater(), 1_000);
    },
  },
];

/** Whether a write was refused as overtaken; `false` if the engine was not reached. */
async function wasRefused(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
  } catch (error) {
    if (isTransient(error)) return false;
    assert.ok(isFenced(error), `a write under an overtaken epoch threw ${error}`);
    return true;
  }
  assert.fail("a write was accepted under an epoch that another node's election had overtaken");
}
