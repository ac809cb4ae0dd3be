// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { LeaseRecord } from "../../core/lease_table.ts";
import { UINT64_MAX } from "../../core/integer_limits.ts";
import { PHYSICAL_MS_MAX } from "../../core/timestamp.ts";
import { refused } from "./driver_check.ts";
import type { DriverCheck } from "./driver_check.ts";
import { givenUp, orTransient, outcomeOf, writeAfterFault } from "./fault_recovery.ts";
import { leaseOf, Leases, loadLeases } from "./leases.ts";
import { checkUpperHalf } from "./upper_half.ts";

/** The promises about leases. */
export const LEASE_CHECKS: readonly DriverCheck[] = [
  {
    id: "leases-of-empty-store",
    title: "loadLeases() of an empty store is empty",
    needs: [],
    run: async ({ driver }) => {
      assert.deepEqual(await loadLeases(driver), []);
    },
  },
  {
    id: "leases-whole",
    title: "persistLeases() keeps every property of a lease, and loadLeases() sees it",
    needs: [],
    run: async (trial) => {
      const leases = await Leases.of(trial);
      await leases.persist(EXTREMES);
      assert.deepEqual(await loadLeases(trial.driver), EXTREMES);
    },
  },
  {
    id: "leases-replaced",
    title: "persistLeases() replaces all leases at once, also by none",
    needs: [],
    run: async (trial) => {
      const leases = await Leases.of(trial);
      for (const ids of [[1, 2, 3], [2], [4, 5], []]) {
        await leases.persist(ids.map(leaseOf));
        assert.deepEqual(await loadLeases(trial.driver), ids.map(leaseOf));
      }
    },
  },
  {
    id: "leases-order",
    title: "persistLeases() takes effect in the order of the calls",
    needs: [],
    run: async (trial) => {
      const leases = await Leases.of(trial);
      const ids = Array.from({ length: 20 }, (_, call) => 1 + call);
      await Promise.all(ids.map((id) => leases.persist([leaseOf(id)])));
      assert.deepEqual(await loadLeases(trial.driver), [leaseOf(20)]);
    },
  },
  {
    id: "leases-durable",
    title: "persistLeases() survives a restart of the driver",
    needs: ["reopen"],
    run: async (trial) => {
      const leases = await Leases.of(trial);
      await leases.persist([leaseOf(9)]);
      await leases.persist(EXTREMES);
      await trial.reopen();
      assert.deepEqual(await loadLeases(trial.driver), EXTREMES);
    },
  },
  {
    id: "leases-linearized-across-nodes",
    title: "loadLeases() of a standby sees what the leader has replaced",
    needs: ["standby"],
    run: async (trial) => {
      const leases = await Leases.of(trial);
      const standby = await trial.standby();
      for (let id = 1; id <= 10; id++) {
        await leases.persist([leaseOf(id)]);
        assert.deepEqual(await loadLeases(standby), [leaseOf(id)]);
      }
    },
  },
  {
    id: "leases-fenced",
    title: "persistLeases() under a superseded epoch is refused and changes nothing",
    needs: ["supersede"],
    run: async (trial) => {
      const leases = await Leases.of(trial);
      await leases.persist([leaseOf(1)]);
      await trial.supersede();
      await refused(leases.persist([]), "persistLeases()");
      assert.deepEqual(await loadLeases(trial.driver), [leaseOf(1)]);
    },
  },
  {
    id: "leases-fenced-upper-half",
    title: "persistLeases() tells epochs apart that differ in the upper half alone",
    needs: [],
    run: async (trial) => {
      const leases = await Leases.of(trial);
      await checkUpperHalf(leases.epoch, (epoch) => leases.persist([leaseOf(1)], epoch));
    },
  },
  {
    id: "leases-deadline",
    title: "persistLeases() and loadLeases() settle within a deadline when the engine is silent",
    needs: ["silence"],
    run: async (trial) => {
      const leases = await Leases.of(trial);
      const speak = await trial.silence();
      const [loaded] = await Promise.all([
        outcomeOf(loadLeases(trial.driver)),
        givenUp(leases.persist([leaseOf(1)]), "persistLeases()"),
      ]);
      assert.deepEqual(orTransient(loaded) ?? [], []);
      await speak();
    },
  },
  {
    id: "leases-late-replacement",
    title: "persistLeases() that was not answered has no effect once a later one was",
    needs: ["silence"],
    run: async (trial) => {
      const { driver } = trial;
      const leases = await Leases.of(trial);
      await leases.persist([leaseOf(1)]);
      const speak = await trial.silence();
      await givenUp(leases.persist([leaseOf(2)]), "persistLeases()");
      await speak();
      await writeAfterFault(trial, (epoch) => leases.persist([leaseOf(3)], epoch));
      for (let read = 0; read < 10; read++) {
        assert.deepEqual(await loadLeases(driver), [leaseOf(3)]);
      }
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
