// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { consensusCodeOf } from "../../consensus/errors.ts";
import { EPOCH_MAX } from "../../core/epoch.ts";
import type { Epoch } from "../../core/epoch.ts";
import { isFenced } from "./driver_check.ts";

/** One step of the upper half of an epoch. */
const UPPER_STEP: Epoch = 1n << 64n;

/**
 * Expects that a store tells epochs apart that differ in the upper half alone. The older one must be refused. The
 * newer one, which nobody was elected under, may be: a store that takes it must refuse the driver's own after it.
 *
 * @param epoch under which the driver leads
 * @param write a write that changes something, under an epoch
 */
export async function checkUpperHalf(
  epoch: Epoch,
  write: (epoch: Epoch) => Promise<unknown>,
): Promise<void> {
  if (epoch >= UPPER_STEP) await expectRefused(write(epoch - UPPER_STEP));
  if (epoch + UPPER_STEP > EPOCH_MAX) return;
  if (await wasAccepted(write(epoch + UPPER_STEP))) await expectRefused(write(epoch));
}

async function expectRefused(write: Promise<unknown>): Promise<void> {
  const message = "a write was accepted under an epoch whose upper half had been overtaken";
  await assert.rejects(write, isFenced, message);
}

async function wasAccepted(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    assert.ok(consensusCodeOf(error) !== undefined, `threw ${error}`);
    return false;
  }
}
