// SPDX-License-Identifier: Apache-2.0

import { formatDuration } from "../duration.ts";
import { UsageError } from "../errors.ts";

/** The durations that a lease may have, in milliseconds. */
export interface LeaseTtls {
  readonly minLeaseTtlMs: number;
  readonly maxLeaseTtlMs: number;
}

/**
 * Checks that the durations leave something to ask for.
 *
 * @throws {UsageError} naming both
 */
export function checkLeaseTtls({ minLeaseTtlMs, maxLeaseTtlMs }: LeaseTtls): void {
  if (minLeaseTtlMs <= maxLeaseTtlMs) return;
  throw new UsageError(
    `Cannot use --lease-ttl-max ${formatDuration(maxLeaseTtlMs)}: ` +
      `it must be at least --lease-ttl-min, which is ${formatDuration(minLeaseTtlMs)}`,
  );
}
