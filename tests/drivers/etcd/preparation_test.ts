// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { PermanentError } from "../../../src/consensus/errors.ts";
import { bucketOf } from "../../../src/drivers/etcd/keys.ts";
import { ETCD_MISSING, EtcdCluster, ETCDCTL_MISSING } from "../../_support/engines/etcd_cluster.ts";
import { ioTestNeeding } from "../../_support/levels.ts";
import { CALM, leadStore, openStore } from "./_support/etcd_rig.ts";

const KEYS = ["format", "high_water", "leadership/incarnation", "leases", "sequences/head"];

/** What a key may hold that no release wrote. */
const STRANGE: readonly (readonly [string, string])[] = [
  ["high_water", "17"],
  ["high_water", "00000070368744177664"],
  ["high_water", "0000000000000000001x"],
  ["leadership/incarnation", "-1"],
  ["leadership/term", "nobody"],
  ["leadership/term", '{"claim":"a","endpoint":"http://b"}'],
];

ioTestNeeding(
  ETCDCTL_MISSING,
  "EtcdStore.prepare() makes nothing anew of a store that lacks a key",
  async (t) => {
    await using cluster = await EtcdCluster.start();
    for (const [index, key] of KEYS.entries()) {
      await t.step(key, async () => {
        const prefix = `test-${index}`;
        await using store = openStore({ urls: cluster.endpoints, prefix });
        const { epoch } = await leadStore(store);
        await store.persistHighWater(50, epoch, CALM);
        await cluster.etcdctl("del", `${prefix}/${key}`);
        await assert.rejects(store.prepare(CALM), (error) => {
          assert.ok(error instanceof PermanentError);
          assert.ok(error.message.includes(`'${prefix}/${key}' of etcd: it is missing`));
          return true;
        });
        assert.equal(await cluster.etcdctl("get", `${prefix}/${key}`), "");
      });
    }
  },
);

ioTestNeeding(
  ETCDCTL_MISSING,
  "EtcdStore refuses for good what it cannot understand",
  async (t) => {
    await using cluster = await EtcdCluster.start();
    for (const [index, [key, value]] of STRANGE.entries()) {
      await t.step(`${key} ${value}`, async () => {
        const prefix = `test-${index}`;
        await using store = openStore({ urls: cluster.endpoints, prefix });
        await leadStore(store);
        await cluster.etcdctl("put", "--", `${prefix}/${key}`, value);
        await assert.rejects(store.prepare(CALM), (error) => {
          assert.ok(error instanceof PermanentError);
          assert.ok(error.message.includes(`its value is ${JSON.stringify(value)}`), error.message);
          return true;
        });
      });
    }
  },
);

ioTestNeeding(
  ETCDCTL_MISSING,
  "EtcdStore refuses the format of a later release, and names it",
  async () => {
    await using cluster = await EtcdCluster.start();
    await using store = openStore({ urls: cluster.endpoints, prefix: "one" });
    await store.prepare(CALM);
    await cluster.etcdctl("put", "one/format", "2");
    const message = /format is '2', this release knows 1; start the release that wrote them/;
    await assert.rejects(store.prepare(CALM), message);
    await assert.rejects(store.restore(1, CALM), message);
  },
);

ioTestNeeding(
  ETCDCTL_MISSING,
  "EtcdStore misses sequences that were removed, and reads none that are torn",
  async () => {
    await using cluster = await EtcdCluster.start();
    await using store = openStore({ urls: cluster.endpoints, prefix: "one" });
    const { epoch } = await leadStore(store);
    const counters = new Map([["orders", 7n]]);
    const { version } = await store.readSequences(CALM);
    await store.writeSequences(
      { version, operationId: "a", moved: counters, counters },
      epoch,
      CALM,
    );
    const key = `one/sequences/${String(bucketOf("orders")).padStart(2, "0")}`;
    await cluster.etcdctl("put", key, "TSOD");
    const torn = new RegExp(
      `PermanentError: Cannot read '${key}': .*; set etcd back to a snapshot`,
    );
    await assert.rejects(store.readSequences(CALM), torn);
    await assert.rejects(store.loadSequence("orders", CALM), torn);
    await cluster.etcdctl("del", key);
    await assert.rejects(store.readSequences(CALM), /hold 0 sequences where .* counts 1, so some/);
  },
);

ioTestNeeding(ETCDCTL_MISSING, "EtcdStore writes what docs/engines.md says", async () => {
  await using cluster = await EtcdCluster.start();
  await using store = openStore({ urls: cluster.endpoints, prefix: "tsoracle" });
  const term = await leadStore(store);
  await store.persistHighWater(42, term.epoch, CALM);
  await store.resign(term.epoch, CALM);
  const listed = await cluster.etcdctl("get", "--prefix", "", "--keys-only");
  assert.deepEqual(listed.trim().split(/\n+/), [
    "tsoracle/format",
    "tsoracle/high_water",
    "tsoracle/leadership/beat",
    "tsoracle/leadership/incarnation",
    "tsoracle/leadership/resigned",
    "tsoracle/leadership/term",
    "tsoracle/leases",
    "tsoracle/sequences/head",
  ]);
  const valueOf = (key: string) => cluster.etcdctl("get", `tsoracle/${key}`, "--print-value-only");
  assert.equal(await valueOf("format"), "1\n");
  assert.equal(await valueOf("high_water"), "00000000000000000042\n");
  assert.equal(await valueOf("leadership/incarnation"), "1\n");
  assert.deepEqual(JSON.parse(await valueOf("leadership/term")), {
    claim: term.claimId,
    endpoint: "oracle:1",
  });
  assert.deepEqual(JSON.parse(await valueOf("sequences/head")), { count: 0 });
});

ioTestNeeding(
  ETCD_MISSING,
  "oracles with different prefixes know nothing of each other, one below another too",
  async () => {
    await using cluster = await EtcdCluster.start();
    const stores = ["oracle", "oracle/two", "oracle2", "another"].map((prefix) =>
      openStore({ urls: cluster.endpoints, prefix })
    );
    const terms = await Promise.all(stores.map(leadStore));
    await Promise.all(stores.map(async (store, index) => {
      const epoch = terms[index]?.epoch ?? 0n;
      await store.persistHighWater(100 * index + 1, epoch, CALM);
      const counters = new Map([[`key ${index}`, 1n]]);
      const { version } = await store.readSequences(CALM);
      const write = { version, operationId: "a", moved: counters, counters };
      assert.equal((await store.writeSequences(write, epoch, CALM)).kind, "written");
    }));
    for (const [index, store] of stores.entries()) {
      assert.equal(await store.loadHighWater(CALM), 100 * index + 1);
      assert.deepEqual((await store.readStanding(CALM)).term, terms[index]);
      assert.deepEqual([...(await store.readSequences(CALM)).counters.keys()], [`key ${index}`]);
      await store.close();
    }
  },
);
