// SPDX-License-Identifier: Apache-2.0

import type { LeaseRecord } from "../../../src/core/lease_table.ts";
import type { LeaseRequest } from "../../../src/core/lease_table.ts";

const encoder = new TextEncoder();

/** A claim of the holder `name`. */
export function claimOf(name: string, overrides: Partial<LeaseRequest> = {}): LeaseRequest {
  return { holder: encoder.encode(name), holderEpoch: 1n, ttlMs: 10_000, ...overrides };
}

/** A lease in a store, as `claimOf("a")` would have made it at 990000. */
export function leaseRecord(overrides: Partial<LeaseRecord> = {}): LeaseRecord {
  return {
    leaseId: 1_000_000,
    holder: encoder.encode("a"),
    holderEpoch: 1n,
    ttlMs: 10_000,
    boundMs: 1_000_000,
    expiresAtMs: 1_005_000,
    superseded: false,
    ...overrides,
  };
}
