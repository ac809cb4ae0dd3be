// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { ConsensusDriver } from "../../consensus/driver.ts";
import type { Epoch } from "../../core/epoch.ts";
import { refused } from "./driver_check.ts";
import type { DriverCheck, DriverTrial } from "./driver_check.ts";
import { letItErr } from "./patience.ts";
import { openStandby } from "./succession.ts";

/** How often a standby may lead late because the machine was busy. */
const HAND_OVERS = 10;

/** The promises about a leadership that is given up. */
export const RESIGN_CHECKS: readonly DriverCheck[] = [
  {
    id: "resign-ends-certainty",
    title: "resign() ends certainUntil() at the call",
    needs: ["standby"],
    run: async (trial) => {
      const { certainUntil } = await trial.watch().leader();
      assert.ok(certainUntil, "a leader that can be replaced has no certainUntil");
      const enough = new AbortController();
      const resigned = resign(trial.driver, enough.signal);
      const atCallMs = certainUntil() - trial.monotonicMs();
      enough.abort();
      await resigned;
      const laterMs = certainUntil() - trial.monotonicMs();
      assert.ok(atCallMs <= 0, `certain for ${atCallMs} ms more at the call`);
      assert.ok(laterMs <= 0, `certain for ${laterMs} ms more after it`);
    },
  },
  {
    id: "resign-hands-over",
    title: "resign() lets a standby lead, waits until it does, and reports it",
    needs: ["standby"],
    run: async (trial) => {
      const { standby, epoch } = await handOver(trial);
      const successor = await trial.watch(standby).leader();
      assert.ok(successor.epoch > epoch, `epoch ${successor.epoch} was elected after ${epoch}`);
      await trial.watch().until(({ kind }) => kind === "follower");
    },
  },
  {
    id: "resign-lets-lead-at-once",
    title: "resign() lets a standby lead before the certainty that it gives up would have ended",
    needs: ["standby"],
    run: async (trial) => {
      let leader = trial.driver;
      let standby = await openStandby(trial);
      for (let left = HAND_OVERS; left > 0; left--) {
        if (await leadsEarly(trial, leader, standby)) return;
        leader = standby;
        standby = await trial.standby();
        await trial.watch(standby).until(({ kind }) => kind !== "leader");
      }
      assert.fail(`after ${HAND_OVERS} resignations a standby led as late as after a crash`);
    },
  },
  {
    id: "resign-overtakes-epoch",
    title: "resign() gives up the epoch: once a successor leads, writes under it are refused",
    needs: ["standby"],
    run: async (trial) => {
      const { driver } = trial;
      await driver.persistHighWater(1_000, await trial.lead());
      const { standby, epoch } = await handOver(trial);
      await trial.watch(standby).leader();
      await refused(driver.persistHighWater(2_000, epoch), "persistHighWater()");
      assert.equal(await standby.loadHighWater(), 1_000);
    },
  },
  {
    id: "resign-is-for-good",
    title: "resign() is for good: the driver does not lead again when its successor ends",
    needs: ["standby"],
    run: async (trial) => {
      const { standby } = await handOver(trial);
      await trial.watch(standby).leader();
      const { events } = trial.watch();
      const known = events.length;
      await trial.closeStandby(standby);
      await letItErr();
      const third = await trial.standby();
      await trial.watch(third).until(({ kind }) => kind === "leader" || leads(events, known));
      assert.ok(!leads(events, known), "the driver led again after it had resigned");
    },
  },
  {
    id: "resign-wait-ends-by-signal",
    title: "resign() waits no longer than its signal allows, and says that nobody is known",
    needs: ["standby"],
    run: async (trial) => {
      await trial.lead();
      const enough = new AbortController();
      const resigned = resign(trial.driver, enough.signal);
      enough.abort();
      assert.equal(await resigned, false);
    },
  },
  {
    id: "resign-of-follower",
    title: "resign() of a node that does not lead returns at once and leaves the leader alone",
    needs: ["standby"],
    run: async (trial) => {
      const epoch = await trial.lead();
      const standby = await openStandby(trial);
      assert.equal(typeof await resign(standby, trial.ended), "boolean");
      assert.equal(await trial.driver.persistHighWater(1_000, epoch), 1_000);
    },
  },
];

/** Resigns with a standby at hand. */
async function handOver(
  trial: DriverTrial,
): Promise<{ readonly standby: ConsensusDriver; readonly epoch: Epoch }> {
  const epoch = await trial.lead();
  const standby = await openStandby(trial);
  const known = await resign(trial.driver, trial.ended);
  assert.equal(known, true, "resign() returned without a successor");
  return { standby, epoch };
}

/**
 * Whether a standby led before the moment until which a leader had been certain when it resigned. Had it heard of no
 * resignation, it could not have led by then.
 */
async function leadsEarly(
  trial: DriverTrial,
  leader: ConsensusDriver,
  standby: ConsensusDriver,
): Promise<boolean> {
  const { certainUntil } = await trial.watch(leader).leader();
  assert.ok(certainUntil, "a leader that can be replaced has no certainUntil");
  const untilMs = certainUntil();
  const resigned = resign(leader, trial.ended);
  await trial.watch(standby).leader();
  const isEarly = trial.monotonicMs() < untilMs;
  await resigned;
  return isEarly;
}

function leads(events: ReadonlyArray<{ readonly kind: string }>, from: number): boolean {
  return events.slice(from).some(({ kind }) => kind === "leader");
}

async function resign(driver: ConsensusDriver, signal: AbortSignal): Promise<boolean> {
  assert.ok(driver.resign !== undefined, "the driver has no resign");
  return await driver.resign({ signal });
}
