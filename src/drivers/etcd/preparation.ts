// SPDX-License-Identifier: Apache-2.0

import { PermanentError } from "../../consensus/errors.ts";
import { encodeLeaseRecord } from "../records/lease_record.ts";
import { FIRST_INCARNATION } from "../cluster/store.ts";
import type { FoundKeys } from "./found_keys.ts";
import { highWaterValue, readHighWater } from "./high_water_key.ts";
import { bytesOf, textOf } from "./keys.ts";
import type { EtcdKeys } from "./keys.ts";
import { isAbsent, put, read } from "./operations.ts";
import type { Transaction } from "./operations.ts";
import { headValue } from "./sequence_buckets.ts";
import { incarnationValue, readStanding, unusable } from "./standing_keys.ts";

/** The version of the keys and values that this release knows. */
const FORMAT = "1";

/**
 * Makes the keys of an oracle, if none of them is there: a high-water of 0 is right for an oracle that has never
 * been, and for no other. Otherwise it reads what must be there.
 */
export function creation(keys: EtcdKeys): Transaction {
  const { format, highWater, incarnation, leadership, leases, sequenceHead, sequences } = keys;
  return {
    compare: [format, highWater, leadership, leases, sequences].map(isAbsent),
    success: [
      put(format, bytesOf(FORMAT)),
      put(incarnation, incarnationValue(FIRST_INCARNATION)),
      put(highWater, highWaterValue(0)),
      put(sequenceHead, headValue({ operationId: undefined, count: 0 })),
      put(leases, encodeLeaseRecord([])),
    ],
    failure: [format, highWater, leadership, leases, sequenceHead].map(read),
  };
}

/**
 * Checks that the keys of an oracle are those that this release knows, and that none is missing.
 *
 * @throws {PermanentError} if not
 */
export function checkStore(keys: EtcdKeys, found: FoundKeys): void {
  checkFormat(keys, found);
  readStanding(keys, found);
  readHighWater(keys, found);
  for (const key of [keys.leases, keys.sequenceHead]) {
    if (found.get(key) === undefined) throw unusable(key, undefined);
  }
}

/**
 * Checks that there is an oracle, and that it is of a format that this release knows.
 *
 * @throws {PermanentError} if not
 */
export function checkFormat(keys: EtcdKeys, found: FoundKeys): void {
  const value = found.get(keys.format)?.value;
  if (value === undefined) throw unusable(keys.format, undefined);
  const version = textOf(value);
  if (version === FORMAT) return;
  throw new PermanentError(
    `Cannot use the keys of etcd beside '${
      textOf(keys.format)
    }': their format is '${version}', this release knows ${FORMAT}; start the release that wrote them`,
  );
}
