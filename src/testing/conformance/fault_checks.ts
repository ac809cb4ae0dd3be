// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { DriverCheck, DriverTrial } from "./driver_check.ts";
import { givenUp, orTransient, outcomeOf, writeAfterFault } from "./fault_recovery.ts";

/** The promises about an engine that does not answer, or is cut off, for a while. */
export const FAULT_CHECKS: readonly DriverCheck[] = [
  {
    id: "deadline-of-persist",
    title: "persistHighWater() settles within a deadline of its own when the engine is silent",
    needs: ["silence"],
    run: async (trial) => {
      const { driver } = trial;
      const epoch = await trial.lead();
      await driver.persistHighWater(1_000, epoch);
      const speak = await trial.silence();
      await givenUp(driver.persistHighWater(2_000, epoch), "persistHighWater()");
      await speak();
    },
  },
  {
    id: "deadline-of-load",
    title: "loadHighWater() settles within a deadline of its own when the engine is silent",
    needs: ["silence"],
    run: async (trial) => {
      const { driver } = trial;
      await driver.persistHighWater(1_000, await trial.lead());
      const speak = await trial.silence();
      const answer = orTransient(await outcomeOf(driver.loadHighWater()));
      assert.equal(answer ?? 1_000, 1_000);
      await speak();
    },
  },
  {
    id: "silence-passes",
    title: "what the engine does not answer is transient: later calls succeed by themselves",
    needs: ["silence"],
    run: async (trial) => {
      const { driver } = trial;
      const epoch = await trial.lead();
      await driver.persistHighWater(1_000, epoch);
      const speak = await trial.silence();
      await givenUp(driver.persistHighWater(2_000, epoch), "persistHighWater()");
      await speak();
      await serveAgain(trial);
    },
  },
  {
    id: "faults-are-transient",
    title: "a lost connection is reported as a fault that may pass",
    needs: ["fault"],
    run: async (trial) => {
      const { driver } = trial;
      const epoch = await trial.lead();
      await driver.persistHighWater(1_000, epoch);
      const writes = Array.from({ length: 20 }, (_, call) => 1_001 + call)
        .map((wantedMs) => outcomeOf(driver.persistHighWater(wantedMs, epoch)));
      const loads = writes.map(() => outcomeOf(driver.loadHighWater()));
      await trial.fault();
      const late = outcomeOf(driver.persistHighWater(1_500, epoch));
      const answers = (await Promise.all([...writes, ...loads, late])).map(orTransient);
      const answered = answers.filter((answer) => answer !== undefined);
      assert.ok(answered.every((ms) => ms >= 1_000), `${answered} were returned`);
      await writeAfterFault(trial, (newest) => driver.persistHighWater(0, newest));
      const loadedMs = await driver.loadHighWater();
      assert.ok(loadedMs >= Math.max(1_000, ...answered), `${loadedMs} is left of ${answered}`);
    },
  },
  {
    id: "faults-pass",
    title: "a lost connection is mended: later calls succeed by themselves",
    needs: ["fault"],
    run: async (trial) => {
      await trial.driver.persistHighWater(1_000, await trial.lead());
      for (let fault = 0; fault < 3; fault++) {
        await trial.fault();
        await serveAgain(trial);
      }
    },
  },
  {
    id: "events-outlive-faults",
    title: "leadershipEvents() goes on after a lost connection",
    needs: ["fault"],
    run: async (trial) => {
      const watch = trial.watch();
      await watch.leader();
      await trial.fault();
      await writeAfterFault(trial, (epoch) => trial.driver.persistHighWater(1_000, epoch));
      if (watch.fault !== undefined) throw watch.fault;
    },
  },
];

/** Writes more than was ever asked for, and reads it. */
async function serveAgain(trial: DriverTrial): Promise<void> {
  const { driver } = trial;
  const wantedMs = 5_000;
  await writeAfterFault(trial, (epoch) => driver.persistHighWater(wantedMs, epoch));
  await writeAfterFault(trial, async () => {
    assert.equal(await driver.loadHighWater(), wantedMs);
  });
}
