// SPDX-License-Identifier: Apache-2.0

import type { LeaseRecord } from "../../core/lease_table.ts";
import { decodeLeaseRecord } from "../records/lease_record.ts";
import { FileStateError } from "./errors.ts";
import { readRecord } from "./read_record.ts";
import type { StateDirectory } from "./state_directory.ts";

/**
 * Refuses a high-water that a lease proves to be too low. A lease is written only once the high-water has
 * reached its bound, and both only grow, so the state was lost, rolled back or seeded too low: timestamps would
 * repeat. An expired lease proves it as well.
 *
 * @throws {FileStateError} `behind-leases`, naming the least seed that could be enough
 */
export function refuseBehindLeases(
  leases: readonly LeaseRecord[],
  highWaterMs: number,
  directory: StateDirectory,
): void {
  const [first, ...others] = leases;
  if (first === undefined) return;
  const highest = others.reduce((max, lease) => lease.boundMs > max.boundMs ? lease : max, first);
  const { leaseId, boundMs } = highest;
  if (boundMs <= highWaterMs) return;
  const path = directory.pathOf("state");
  throw new FileStateError(
    "behind-leases",
    `Cannot use '${directory.path}' with a high-water of ${highWaterMs}: lease ${leaseId} in '${
      directory.pathOf("leases")
    }' allows up to ${boundMs}, so '${path}' was lost, rolled back or seeded too low; move it away and run 'init' with '--seed-physical-ms' of ${boundMs} at the very least (docs/operations.md says how much more)`,
    { path },
  );
}

/**
 * Refuses a seed that the leases of a directory prove to be too low.
 *
 * @throws {FileStateError} as {@linkcode refuseBehindLeases}, and if the leases cannot be read
 */
export async function refuseSeedBehindLeases(
  seedPhysicalMs: number,
  directory: StateDirectory,
): Promise<void> {
  const leases = await readRecord(directory, { name: "leases", decode: decodeLeaseRecord });
  refuseBehindLeases(leases ?? [], seedPhysicalMs, directory);
}
