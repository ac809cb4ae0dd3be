// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { TransientError } from "../../../src/consensus/errors.ts";
import type { LeaseRecord } from "../../../src/core/lease_table.ts";
import { EtcdCluster, ETCDCTL_MISSING } from "../../_support/engines/etcd_cluster.ts";
import { ioTestNeeding } from "../../_support/levels.ts";
import { CALM, leadStore, openStore } from "./_support/etcd_rig.ts";

/** About 700 kB as a record. */
const LEASES = Array.from({ length: 4_096 }, (_, leaseId): LeaseRecord => ({
  leaseId,
  holder: new Uint8Array(128),
  holderEpoch: 1n,
  ttlMs: 1,
  boundMs: 1,
  expiresAtMs: 1,
  superseded: false,
}));
const WRITES = 100;

ioTestNeeding(
  ETCDCTL_MISSING,
  "EtcdStore says what to do when etcd's quota is used up, and goes on after it",
  async () => {
    await using cluster = await EtcdCluster.start({ flags: ["--quota-backend-bytes=16777216"] });
    await using store = openStore({ urls: cluster.endpoints });
    const { epoch } = await leadStore(store);
    await assert.rejects(async () => {
      for (let left = WRITES; left > 0; left--) {
        const { version } = await store.readLeases(CALM);
        await store.writeLeases({ version, leases: LEASES }, epoch, CALM);
      }
    }, (error) => {
      assert.ok(error instanceof TransientError);
      assert.match(error.message, /database space exceeded; .* the alarm NOSPACE disarmed$/);
      return true;
    });
    assert.equal((await store.readLeases(CALM)).leases.length, LEASES.length);
    await cluster.compact();
    await cluster.etcdctl("defrag");
    await cluster.etcdctl("alarm", "disarm");
    assert.equal(await store.persistHighWater(7, epoch, CALM), 7);
  },
);
