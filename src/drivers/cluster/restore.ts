// SPDX-License-Identifier: Apache-2.0

import { SystemClock } from "../../clock/system_clock.ts";
import { checkAdvance, PermanentError } from "../../consensus/errors.ts";
import type { Clock } from "../../core/clock.ts";
import { isSameStanding } from "./standing_order.ts";
import type { ClusterStore, RestoredStore } from "./store.ts";

/** Options of a restore, whatever the engine. */
export interface ClusterRestoreOptions {
  /** The high-water to reach, milliseconds since the Unix epoch, 0 to 2^46 - 1: above every timestamp ever issued. */
  readonly atLeastMs: number;
  /**
   * Whether a store that holds sequences is restored too. They stand where the backup has them, so ordinals that were given
   * out since would be given out again: only if none were, or if their keys are used no more.
   *
   * @default {false}
   */
  readonly keepSequences?: boolean | undefined;
  /**
   * How long each step may wait for the engine, in milliseconds.
   *
   * @default {10_000}
   */
  readonly timeoutMs?: number | undefined;
  /**
   * Where time comes from; for tests.
   *
   * @default {new SystemClock()}
   */
  readonly clock?: Clock | undefined;
}

/** What is durable after a restore. */
export interface Restored extends RestoredStore {
  /** How many sequences the store holds. */
  readonly sequences: number;
  /** How many leases the store holds, expired ones included. */
  readonly leases: number;
}

/** Default of {@linkcode ClusterRestoreOptions.timeoutMs}. */
export const DEFAULT_RESTORE_TIMEOUT_MS = 10_000;

/** How long a restore looks for heartbeats, in milliseconds: those of every lease below 8 s show. */
export const RESTORE_LOOK_MS = 2_000;

/**
 * Makes a store that was set back to a backup fit to be served again, with no node running, and closes it.
 *
 * A node that leads under a lease below 8 s is noticed by its heartbeats, within {@linkcode RESTORE_LOOK_MS}; one that
 * cannot write at the time is not.
 *
 * @throws {AdvanceOutOfRangeError} if `atLeastMs` is no whole number from 0 to 2^46 - 1
 * @throws {TransientError} if the engine did not answer in time; it may be done
 * @throws {PermanentError} if there is no oracle, a node is running, or sequences would be repeated; nothing was written
 */
export async function restoreStore(
  store: ClusterStore,
  options: ClusterRestoreOptions,
): Promise<Restored> {
  const { atLeastMs, keepSequences = false, timeoutMs = DEFAULT_RESTORE_TIMEOUT_MS } = options;
  try {
    checkAdvance(atLeastMs);
    const { counters } = await store.readSequences({ timeoutMs });
    if (counters.size > 0 && !keepSequences) throw wouldRepeat(counters.size);
    const { leases } = await store.readLeases({ timeoutMs });
    await refuseRunningNodes(store, options);
    const restored = await store.restore(atLeastMs, { timeoutMs });
    return { ...restored, sequences: counters.size, leases: leases.length };
  } finally {
    await store.close();
  }
}

async function refuseRunningNodes(
  store: ClusterStore,
  { timeoutMs = DEFAULT_RESTORE_TIMEOUT_MS, clock = new SystemClock() }: ClusterRestoreOptions,
): Promise<void> {
  const before = await store.readStanding({ timeoutMs });
  await clock.delay(RESTORE_LOOK_MS);
  if (isSameStanding(before, await store.readStanding({ timeoutMs }))) return;
  throw new PermanentError(
    "Cannot restore as a node is running, which has written to the store meanwhile: stop every node that uses it, and restore again",
  );
}

function wouldRepeat(count: number): PermanentError {
  return new PermanentError(
    `the store holds ${count} sequences as of the backup, and ordinals taken since would be given out again: keep them only if none were, or if their keys are used no more`,
  );
}
