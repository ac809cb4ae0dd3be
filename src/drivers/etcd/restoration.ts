// SPDX-License-Identifier: Apache-2.0

import { checkAdvance } from "../../consensus/errors.ts";
import type { RestoredStore } from "../cluster/store.ts";
import type { FoundKeys } from "./found_keys.ts";
import { highWaterValue, readHighWater } from "./high_water_key.ts";
import type { EtcdKeys } from "./keys.ts";
import { hasValue, put, remove, writtenIn } from "./operations.ts";
import type { Transaction } from "./operations.ts";
import { checkFormat } from "./preparation.ts";
import { incarnationValue, readIncarnation } from "./standing_keys.ts";

/** A restore, and what is there once it has succeeded. */
export interface Restoration {
  /** Does nothing if anything was written meanwhile. */
  readonly transaction: Transaction;
  /** What is there then. */
  readonly restored: RestoredStore;
}

/**
 * Raises what must never go back after etcd was set back to a snapshot: its revisions begin again at an old
 * number, but those of the next incarnation are above all of the one before.
 *
 * @param found what is there: format, leadership and high-water
 * @param atLeastMs the high-water to reach, in milliseconds
 * @throws {PermanentError} if there is no oracle that this release knows
 */
export function restoration(keys: EtcdKeys, found: FoundKeys, atLeastMs: number): Restoration {
  checkAdvance(atLeastMs);
  checkFormat(keys, found);
  const before = readIncarnation(keys, found);
  // A backup does not know what restores of it came to before; the number is above all of them.
  const incarnation = bigintMax(before + 1n, BigInt(atLeastMs));
  const highWaterMs = Math.max(readHighWater(keys, found), atLeastMs);
  const transaction = {
    compare: [
      hasValue(keys.incarnation, incarnationValue(before)),
      ...[keys.highWater, keys.term, keys.beat].map((key) => writtenIn(key, found.revision(key))),
    ],
    success: [
      put(keys.incarnation, incarnationValue(incarnation)),
      put(keys.highWater, highWaterValue(highWaterMs)),
      ...[keys.term, keys.beat, keys.resigned].map(remove),
    ],
  };
  return { transaction, restored: { incarnation, highWaterMs } };
}

function bigintMax(one: bigint, other: bigint): bigint {
  return one > other ? one : other;
}
