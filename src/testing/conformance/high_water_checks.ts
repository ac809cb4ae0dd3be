// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { consensusCodeOf } from "../../consensus/errors.ts";
import { PHYSICAL_MS_MAX } from "../../core/timestamp.ts";
import { settle } from "../manual_clock.ts";
import { isOf, refused } from "./driver_check.ts";
import type { DriverCheck } from "./driver_check.ts";
import { checkUpperHalf } from "./upper_half.ts";

/** The promises about the durable high-water. */
export const HIGH_WATER_CHECKS: readonly DriverCheck[] = [
  {
    id: "load-of-empty-store-is-0",
    title: "loadHighWater() of an empty store is 0",
    needs: [],
    run: async ({ driver }) => {
      assert.equal(await driver.loadHighWater(), 0);
    },
  },
  {
    id: "load-linearized",
    title: "persistHighWater() returns what is durable, and loadHighWater() sees it",
    needs: [],
    run: async (trial) => {
      const { driver } = trial;
      const epoch = await trial.lead();
      for (const wantedMs of [0, 1, 1_700_000_000_000, PHYSICAL_MS_MAX]) {
        assert.equal(await driver.persistHighWater(wantedMs, epoch), wantedMs);
        assert.equal(await driver.loadHighWater(), wantedMs);
      }
    },
  },
  {
    id: "load-linearized-across-nodes",
    title: "loadHighWater() of a standby sees what the leader was told is durable",
    needs: ["standby"],
    run: async (trial) => {
      const { driver } = trial;
      const epoch = await trial.lead();
      const standby = await trial.standby();
      for (let wantedMs = 1_000; wantedMs < 1_010; wantedMs++) {
        await driver.persistHighWater(wantedMs, epoch);
        assert.equal(await standby.loadHighWater(), wantedMs);
      }
    },
  },
  {
    id: "persist-at-least",
    title: "persistHighWater() answers a lower request with the stored value",
    needs: [],
    run: async (trial) => {
      const { driver } = trial;
      const epoch = await trial.lead();
      await driver.persistHighWater(1_000, epoch);
      for (const lowerMs of [999, 0, 1_000]) {
        assert.equal(await driver.persistHighWater(lowerMs, epoch), 1_000);
      }
      assert.equal(await driver.loadHighWater(), 1_000);
    },
  },
  {
    id: "persist-range",
    title: "persistHighWater() refuses what does not fit 46 bits and writes nothing",
    needs: [],
    run: async (trial) => {
      const { driver } = trial;
      const epoch = await trial.lead();
      await driver.persistHighWater(1_000, epoch);
      for (const wrongMs of [-1, 0.5, NaN, Infinity, PHYSICAL_MS_MAX + 1]) {
        await assert.rejects(driver.persistHighWater(wrongMs, epoch), isOf("advance-out-of-range"));
      }
      assert.equal(await driver.loadHighWater(), 1_000);
    },
  },
  {
    id: "persist-durable",
    title: "persistHighWater() survives a restart of the driver",
    needs: ["reopen"],
    run: async (trial) => {
      const epoch = await trial.lead();
      await trial.driver.persistHighWater(1_000, epoch);
      await trial.reopen();
      assert.equal(await trial.driver.loadHighWater(), 1_000);
      const next = await trial.lead();
      assert.ok(next >= epoch, `epoch ${next} came after ${epoch}`);
      assert.equal(await trial.driver.persistHighWater(500, next), 1_000);
    },
  },
  {
    id: "persist-fenced",
    title: "persistHighWater() under a superseded epoch is refused and writes nothing",
    needs: ["supersede"],
    run: async (trial) => {
      const { driver } = trial;
      const epoch = await trial.lead();
      await driver.persistHighWater(1_000, epoch);
      await trial.supersede();
      const before = await driver.loadHighWater();
      for (const wantedMs of [before + 1_000, 1]) {
        await refused(driver.persistHighWater(wantedMs, epoch), "persistHighWater()");
      }
      assert.equal(await driver.loadHighWater(), before);
    },
  },
  {
    id: "persist-fenced-upper-half",
    title: "persistHighWater() tells epochs apart that differ in the upper half alone",
    needs: [],
    run: async (trial) => {
      const { driver } = trial;
      let nextMs = 1_000;
      await checkUpperHalf(await trial.lead(), (epoch) => driver.persistHighWater(nextMs++, epoch));
    },
  },
  {
    id: "persist-concurrent",
    title: "concurrent persists each get at least what they asked for and end at the highest",
    needs: [],
    run: async (trial) => {
      const { driver } = trial;
      const epoch = await trial.lead();
      const persist = async (wantedMs: number) => {
        const durableMs = await driver.persistHighWater(wantedMs, epoch);
        assert.ok(durableMs >= wantedMs, `${durableMs} was returned for ${wantedMs}`);
        const loadedMs = await driver.loadHighWater();
        assert.ok(loadedMs >= durableMs, `${loadedMs} was loaded after ${durableMs} was durable`);
      };
      await Promise.all(Array.from({ length: 20 }, (_, call) => persist(1_000 + call * 7 % 20)));
      assert.equal(await driver.loadHighWater(), 1_019);
    },
  },
  {
    id: "persist-cancel-safe",
    title: "a caller that stops waiting harms nothing",
    needs: [],
    run: async (trial) => {
      const { driver } = trial;
      const epoch = await trial.lead();
      let acknowledgedMs = 0;
      for (let round = 0; round < 10; round++) {
        const wantedMs = 1_000 + round;
        const [durableMs] = await Promise.all([
          giveUp(round, (signal) => driver.persistHighWater(wantedMs, epoch, { signal })),
          giveUp(round, (signal) => driver.loadHighWater({ signal })),
        ]);
        acknowledgedMs = Math.max(acknowledgedMs, durableMs ?? 0);
        const loadedMs = await driver.loadHighWater();
        assert.ok(loadedMs >= acknowledgedMs && loadedMs <= wantedMs, `loaded ${loadedMs}`);
      }
      assert.equal(await driver.persistHighWater(2_000, epoch), 2_000);
      assert.equal(await driver.loadHighWater(), 2_000);
    },
  },
];

/** Calls, gives up after some turns, and tells what the call returned if it was answered after all. */
async function giveUp(
  turns: number,
  call: (signal: AbortSignal) => Promise<number>,
): Promise<number | undefined> {
  const stop = new AbortController();
  const reason = new DOMException("the caller gave up", "AbortError");
  const outcome = call(stop.signal).catch((error: unknown) => {
    assert.ok(error === reason || consensusCodeOf(error) !== undefined, `threw ${error}`);
    return undefined;
  });
  await settle(turns);
  stop.abort(reason);
  return await outcome;
}
