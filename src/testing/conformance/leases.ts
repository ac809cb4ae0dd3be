// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { ConsensusDriver } from "../../consensus/driver.ts";
import type { Epoch } from "../../core/epoch.ts";
import type { LeaseRecord } from "../../core/lease_table.ts";
import { PHYSICAL_MS_MAX } from "../../core/timestamp.ts";
import type { DriverTrial } from "./driver_check.ts";

/** The leases of a driver that leads. */
export class Leases {
  readonly #driver: ConsensusDriver;
  /** The epoch under which they are replaced. */
  readonly epoch: Epoch;

  private constructor(driver: ConsensusDriver, epoch: Epoch) {
    this.#driver = driver;
    this.epoch = epoch;
  }

  /** Waits until the driver under test leads, and makes a high-water durable that is above every lease. */
  static async of(trial: DriverTrial): Promise<Leases> {
    const epoch = await trial.lead();
    await trial.driver.persistHighWater(PHYSICAL_MS_MAX, epoch);
    return new Leases(trial.driver, epoch);
  }

  /** Replaces them. */
  async persist(leases: readonly LeaseRecord[], epoch: Epoch = this.epoch): Promise<void> {
    assert.ok(this.#driver.persistLeases !== undefined, "the driver has no persistLeases");
    await this.#driver.persistLeases(leases, epoch);
  }
}

/** The leases of the store, by their ids: a driver may give them in any order. */
export async function loadLeases(driver: ConsensusDriver): Promise<readonly LeaseRecord[]> {
  const leases = await driver.loadLeases?.();
  assert.ok(leases !== undefined, "the driver has no loadLeases");
  return leases.map((lease) => ({ ...lease, holder: new Uint8Array(lease.holder) }))
    .toSorted((one, other) => one.leaseId - other.leaseId);
}

/** A lease of a holder of one byte. */
export function leaseOf(leaseId: number): LeaseRecord {
  return {
    leaseId,
    holder: Uint8Array.of(0),
    holderEpoch: 0n,
    ttlMs: 1_000,
    boundMs: leaseId,
    expiresAtMs: 2_000,
    superseded: false,
  };
}
