// SPDX-License-Identifier: Apache-2.0

import { UINT64_MAX } from "../core/integer_limits.ts";
import assert from "node:assert/strict";
import type { ConsensusDriver } from "../consensus/driver.ts";
import type { Epoch } from "../core/epoch.ts";
import type { LeaseRecord } from "../core/lease_table.ts";
import { PHYSICAL_MS_MAX } from "../core/timestamp.ts";
import { isFenced } from "./conformance_case.ts";
import type { ConformanceCase } from "./conformance_case.ts";
import { leaderEpoch } from "./event_reader.ts";

/** The promises about leases that can be tried from outside. */
export const LEASE_CONFORMANCE_CASES: readonly ConformanceCase[] = [
  {
    title: "loadLeases() of an empty store is empty",
    run: async ({ driver }) => {
      assert.deepEqual(await load(driver), []);
    },
  },
  {
    title: "persistLeases() keeps every property of a lease, and loadLeases() sees it",
    run: async ({ driver }) => {
      const epoch = await leaderEpoch(driver);
      await persist(driver, EXTREMES, epoch);
      assert.deepEqual(await load(driver), EXTREMES);
    },
  },
  {
    title: "persistLeases() replaces all leases at once, also by none",
    run: async ({ driver }) => {
      const epoch = await leaderEpoch(driver);
      for (const ids of [[1, 2, 3], [2], [4, 5], []]) {
        await persist(driver, ids.map(leaseOf), epoch);
        assert.deepEqual(await load(driver), ids.map(leaseOf));
      }
    },
  },
  {
    title: "persistLeases() takes effect in the order of the calls",
    run: async ({ driver }) => {
      const epoch = await leaderEpoch(driver);
      const ids = Array.from({ length: 20 }, (_, call) => 1 + call);
      await Promise.all(ids.map((id) => persist(driver, [leaseOf(id)], epoch)));
      assert.deepEqual(await load(driver), [leaseOf(20)]);
    },
  },
  {
    title: "persistLeases() survives a restart of the driver",
    needs: "reopen",
    run: async (subject) => {
      const epoch = await leaderEpoch(subject.driver);
      await subject.driver.persistHighWater(PHYSICAL_MS_MAX, epoch);
      await persist(subject.driver, [leaseOf(9)], epoch);
      await persist(subject.driver, EXTREMES, epoch);
      await subject.reopen();
      assert.deepEqual(await load(subject.driver), EXTREMES);
    },
  },
  {
    title: "persistLeases() under a superseded epoch is refused and changes nothing",
    needs: "supersede",
    run: async (subject) => {
      const { driver } = subject;
      const epoch = await leaderEpoch(driver);
      await persist(driver, [leaseOf(1)], epoch);
      await subject.supersede();
      await assert.rejects(persist(driver, [], epoch), isFenced);
      assert.deepEqual(await load(driver), [leaseOf(1)]);
    },
  },
];

const EXTREMES: readonly LeaseRecord[] = [
  leaseOf(0),
  {
    leaseId: 1_700_000_000_000,
    holder: Uint8Array.from({ length: 128 }, (_, index) => 2 * index),
    holderEpoch: UINT64_MAX,
    ttlMs: 86_400_000,
    boundMs: PHYSICAL_MS_MAX,
    expiresAtMs: PHYSICAL_MS_MAX,
    superseded: true,
  },
  { ...leaseOf(PHYSICAL_MS_MAX), holder: Uint8Array.of(0xff) },
];

function leaseOf(leaseId: number): LeaseRecord {
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

/** The leases of the store, by their ids: a driver may give them in any order. */
async function load(driver: ConsensusDriver): Promise<readonly LeaseRecord[]> {
  const leases = await driver.loadLeases?.();
  assert.ok(leases !== undefined, "the driver has no loadLeases");
  return leases.map((lease) => ({ ...lease, holder: new Uint8Array(lease.holder) }))
    .toSorted((one, other) => one.leaseId - other.leaseId);
}

async function persist(
  driver: ConsensusDriver,
  leases: readonly LeaseRecord[],
  epoch: Epoch,
): Promise<void> {
  assert.ok(driver.persistLeases !== undefined, "the driver has no persistLeases");
  await driver.persistLeases(leases, epoch);
}
