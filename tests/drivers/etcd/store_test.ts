// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import {
  ConsensusError,
  FencedError,
  PermanentError,
  UnavailableError,
} from "../../../src/consensus/errors.ts";
import { ETCD_MISSING, EtcdCluster } from "../../_support/engines/etcd_cluster.ts";
import { ioTestNeeding } from "../../_support/levels.ts";
import { CALM, openStore } from "./_support/etcd_rig.ts";

const ENDPOINT = { host: "a", port: 1 };

ioTestNeeding(
  ETCD_MISSING,
  "EtcdStore fences by incarnation and term, and keeps the maximum",
  async () => {
    await using cluster = await EtcdCluster.start();
    await using store = openStore({ urls: cluster.endpoints });
    await store.prepare(CALM);
    await store.prepare(CALM);
    const first = await store.readStanding(CALM);
    assert.deepEqual([first.term, first.resigned], [undefined, false]);
    const led = await store.takeOver(first, { id: "one", endpoint: ENDPOINT }, CALM);
    assert.ok(led?.term);
    assert.deepEqual(await store.readStanding(CALM), led);
    assert.equal(await store.takeOver(first, { id: "two", endpoint: ENDPOINT }, CALM), undefined);
    const { epoch } = led.term;
    assert.equal(await store.persistHighWater(50, epoch, CALM), 50);
    assert.equal(await store.persistHighWater(40, epoch, CALM), 50);
    assert.equal(await store.loadHighWater(CALM), 50);
    await assert.rejects(store.persistHighWater(60, epoch + 1n, CALM), FencedError);
    await assert.rejects(store.persistHighWater(60, epoch + (1n << 64n), CALM), FencedError);
    await store.beat(epoch, CALM);
    assert.notEqual((await store.readStanding(CALM)).beat, led.beat);
  },
);

ioTestNeeding(
  ETCD_MISSING,
  "EtcdStore moves sequences and leases by compare-and-swap",
  async () => {
    await using cluster = await EtcdCluster.start();
    await using store = openStore({ urls: cluster.endpoints });
    await store.prepare(CALM);
    const led = await store.takeOver(await store.readStanding(CALM), {
      id: "one",
      endpoint: ENDPOINT,
    }, CALM);
    const epoch = led?.term?.epoch ?? 0n;
    const before = await store.readSequences(CALM);
    const counters = new Map([["a", 3n], ["b", 4n]]);
    const write = { version: before.version, operationId: "x", moved: counters, counters };
    const outcome = await store.writeSequences(write, epoch, CALM);
    assert.equal(outcome.kind, "written");
    assert.equal((await store.writeSequences(write, epoch, CALM)).kind, "conflict");
    assert.equal(await store.loadSequence("b", CALM), 4n);
    assert.equal(await store.loadSequence("c", CALM), 0n);
    const after = await store.readSequences(CALM);
    assert.deepEqual(after.counters, counters);
    assert.equal(after.operationId, "x");
  },
);

ioTestNeeding(
  ETCD_MISSING,
  "EtcdStore refuses for good when its high-water is missing",
  async () => {
    await using cluster = await EtcdCluster.start();
    await using store = openStore({ urls: cluster.endpoints, prefix: "one" });
    await store.prepare(CALM);
    await cluster.etcdctl("del", "one/high_water");
    await assert.rejects(store.loadHighWater(CALM), PermanentError);
    await assert.rejects(store.prepare(CALM), /'one\/high_water' of etcd: it is missing/);
  },
);

ioTestNeeding(
  ETCD_MISSING,
  "EtcdStore says that it did not begin when no member can be reached",
  async () => {
    await using cluster = await EtcdCluster.start();
    await using store = openStore({ urls: cluster.endpoints, prefix: "one" });
    await store.prepare(CALM);
    await cluster.member(0).kill();
    // The first call may be sent into a connection whose end is not known yet.
    await assert.rejects(store.prepare({ timeoutMs: 10_000 }), ConsensusError);
    await assert.rejects(store.prepare({ timeoutMs: 10_000 }), UnavailableError);
  },
);
