// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { PHYSICAL_MS_MAX } from "../../../src/core/timestamp.ts";
import { UINT64_MAX } from "../../../src/core/integer_limits.ts";
import type { LeaseRecord } from "../../../src/core/lease_table.ts";
import { bucketOf, SEQUENCE_BUCKETS } from "../../../src/drivers/etcd/keys.ts";
import { ETCD_MISSING, EtcdCluster } from "../../_support/engines/etcd_cluster.ts";
import { ioTestNeeding } from "../../_support/levels.ts";
import { CALM, leadStore, openStore } from "./_support/etcd_rig.ts";

/** Sequences whose keys are as long as keys may be. */
function longest(count: number): Map<string, bigint> {
  return new Map(
    Array.from({ length: count }, (_, index) => [String(index).padStart(128, "k"), UINT64_MAX]),
  );
}

Deno.test("bucketOf() puts a sequence into the same record for ever, and spreads them", () => {
  assert.deepEqual(["", "orders", "users", "é"].map(bucketOf), [0, 10, 18, 28]);
  const sizes = new Map<number, number>();
  for (const key of longest(10_000).keys()) {
    sizes.set(bucketOf(key), (sizes.get(bucketOf(key)) ?? 0) + 1);
  }
  assert.equal(sizes.size, SEQUENCE_BUCKETS);
  assert.ok(Math.max(...sizes.values()) < 2 * 10_000 / SEQUENCE_BUCKETS);
});

ioTestNeeding(
  ETCD_MISSING,
  "128 new sequences are one write on an etcd with its default limits",
  async () => {
    await using cluster = await EtcdCluster.start();
    await using store = openStore({ urls: cluster.endpoints });
    const { epoch } = await leadStore(store);
    const counters = longest(128);
    const { version } = await store.readSequences(CALM);
    const write = { version, operationId: "batch", moved: counters, counters };
    assert.equal((await store.writeSequences(write, epoch, CALM)).kind, "written");
    assert.deepEqual((await store.readSequences(CALM)).counters, counters);
  },
);

ioTestNeeding(
  ETCD_MISSING,
  "10,000 sequences with keys of 128 bytes fit one write, made anew or moved",
  async () => {
    await using cluster = await EtcdCluster.start();
    await using store = openStore({ urls: cluster.endpoints, prefix: "p".repeat(128) });
    await using other = openStore({ urls: cluster.endpoints, prefix: "p".repeat(128) });
    const { epoch } = await leadStore(store);
    const counters = longest(10_000);
    let { version } = await store.readSequences(CALM);
    for (
      const [from, operationId] of [[store, "o".repeat(128)], [store, "again"], [
        other,
        "next",
      ]] as const
    ) {
      const write = { version, operationId, moved: counters, counters };
      const outcome = await from.writeSequences(write, epoch, CALM);
      assert.ok(outcome.kind === "written");
      version = outcome.version;
    }
    const stored = await store.readSequences(CALM);
    assert.deepEqual([stored.counters.size, stored.operationId, stored.version], [
      10_000,
      "next",
      version,
    ]);
    assert.equal(await store.loadSequence([...counters.keys()][77] ?? "", CALM), UINT64_MAX);
  },
);

ioTestNeeding(ETCD_MISSING, "4,096 leases with holders of 128 bytes fit one write", async () => {
  await using cluster = await EtcdCluster.start();
  await using store = openStore({ urls: cluster.endpoints });
  const { epoch } = await leadStore(store);
  const leases = Array.from({ length: 4_096 }, (_, index): LeaseRecord => ({
    leaseId: PHYSICAL_MS_MAX - 4_096 + index,
    holder: new Uint8Array(128).fill(index),
    holderEpoch: UINT64_MAX,
    ttlMs: Number.MAX_SAFE_INTEGER,
    boundMs: PHYSICAL_MS_MAX,
    expiresAtMs: Number.MAX_SAFE_INTEGER,
    superseded: index % 2 === 0,
  }));
  const { version } = await store.readLeases(CALM);
  assert.equal((await store.writeLeases({ version, leases }, epoch, CALM)).kind, "written");
  assert.deepEqual((await store.readLeases(CALM)).leases, leases);
  assert.equal((await store.writeLeases({ version, leases }, epoch, CALM)).kind, "conflict");
});

ioTestNeeding(
  ETCD_MISSING,
  "a write that an etcd with lower limits refuses says which limit",
  async () => {
    await using cluster = await EtcdCluster.start({
      flags: ["--max-txn-ops=32", "--max-request-bytes=100000"],
    });
    await using store = openStore({ urls: cluster.endpoints });
    const { epoch } = await leadStore(store);
    const { version } = await store.readSequences(CALM);
    const tooMany = longest(128);
    const many = { version, operationId: "a", moved: tooMany, counters: tooMany };
    await assert.rejects(
      store.writeSequences(many, epoch, CALM),
      /PermanentError.*'--max-txn-ops'/,
    );
    const tooLarge = new Map([...longest(10_000)].filter(([key]) => bucketOf(key) < 8));
    const large = { version, operationId: "b", moved: tooLarge, counters: tooLarge };
    await assert.rejects(store.writeSequences(large, epoch, CALM), /'--max-request-bytes'/);
  },
);
