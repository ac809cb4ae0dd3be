// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { ConsensusDriver } from "../../consensus/driver.ts";
import type { Epoch } from "../../core/epoch.ts";
import type { DriverTrial } from "./driver_check.ts";

/** Opens a standby of the driver under test, which leads, and waits until it knows that it does not. */
export async function openStandby(trial: DriverTrial): Promise<ConsensusDriver> {
  await trial.lead();
  const standby = await trial.standby();
  await trial.watch(standby).until(({ kind }) => kind !== "leader");
  return standby;
}

/**
 * Silences the engine to the leader until a standby has its place, then lets it speak again.
 *
 * @param look is called once the engine is silent, and at the moment at which the standby leads
 * @returns the epoch of the standby
 */
export async function replaceSilenced(
  trial: DriverTrial,
  standby: ConsensusDriver,
  look: () => void = () => {},
): Promise<Epoch> {
  const epoch = await trial.lead();
  const speak = await trial.silence();
  look();
  const successor = await trial.watch(standby).leader();
  look();
  assert.ok(successor.epoch > epoch, `epoch ${successor.epoch} was elected after ${epoch}`);
  await speak();
  return successor.epoch;
}
