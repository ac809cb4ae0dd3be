// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { FencedError, PermanentError } from "../../../src/consensus/errors.ts";
import { epochFromHalves } from "../../../src/core/epoch.ts";
import { POSTGRES_MISSING, PostgresServer } from "../../_support/engines/postgres_server.ts";
import { ioTestNeeding } from "../../_support/levels.ts";
import { testOnOneServer } from "./_support/one_server.ts";
import { CALM, claimOf, leadingStore, storeOn, takeLead } from "./_support/store.ts";

testOnOneServer("PostgresStore", {
  "PostgresStore takes over, beats, persists and resigns, and an older term changes nothing":
    async (server, name) => {
      await using store = storeOn(server, { name });
      await store.prepare(CALM);
      const empty = await store.readStanding(CALM);
      assert.equal(empty.term, undefined);
      assert.equal(await store.loadHighWater(CALM), 0);

      const first = await takeLead(store, "one");
      assert.equal(first.epoch, epochFromHalves({ hi: empty.incarnation, lo: 1n }));
      assert.equal(first.claimId, "one");
      assert.equal(await store.takeOver(empty, claimOf("late"), CALM), undefined);
      assert.equal(await store.persistHighWater(2 ** 46 - 1, first.epoch, CALM), 2 ** 46 - 1);
      assert.equal(await store.persistHighWater(5, first.epoch, CALM), 2 ** 46 - 1);
      const seen = await store.readStanding(CALM);
      await store.beat(first.epoch, CALM);
      assert.notEqual((await store.readStanding(CALM)).beat, seen.beat);
      assert.equal(await store.takeOver(seen, claimOf("deceived"), CALM), undefined);

      await store.resign(first.epoch, CALM);
      await store.beat(first.epoch, CALM);
      assert.ok((await store.readStanding(CALM)).resigned);
      const resigned = { ...seen, resigned: true };
      const second = (await store.takeOver(resigned, claimOf("two"), CALM))?.term;
      assert.ok(second !== undefined && second.epoch > first.epoch);
      await store.resign(first.epoch, CALM);
      assert.ok(!(await store.readStanding(CALM)).resigned);

      const fenced = (error: Error) =>
        error instanceof FencedError && error.current === second.epoch;
      const sequences = await store.readSequences(CALM);
      const { version } = sequences;
      const moved = new Map([["a", 1n]]);
      await assert.rejects(store.beat(first.epoch, CALM), fenced);
      await assert.rejects(store.persistHighWater(9, first.epoch, CALM), fenced);
      const write = { version, operationId: "late", moved, counters: moved };
      await assert.rejects(store.writeSequences(write, first.epoch, CALM), fenced);
      await assert.rejects(
        store.writeLeases({ version: "0", leases: [] }, first.epoch, CALM),
        fenced,
      );
      assert.deepEqual(await store.readSequences(CALM), sequences);
    },

  "PostgresStore keeps sequences of every key and ordinal, each write once": async (
    server,
    name,
  ) => {
    await using store = await leadingStore(server, { name });
    const { epoch } = store;
    const moved = new Map([["\0", 1n], ["\uFEFFkey", 2n ** 64n - 1n], ["schlüssel'\\{}\",", 7n]]);
    const { version } = await store.readSequences(CALM);
    const write = { version, operationId: "one", moved, counters: moved };
    const outcome = await store.writeSequences(write, epoch, CALM);
    assert.equal(outcome.kind, "written");
    assert.deepEqual(await store.writeSequences(write, epoch, CALM), { kind: "conflict" });
    const found = await store.readSequences(CALM);
    assert.deepEqual(found.counters, moved);
    assert.equal(found.operationId, "one");
    assert.equal(found.version, outcome.kind === "written" ? outcome.version : "");
    for (const [key, next] of moved) assert.equal(await store.loadSequence(key, CALM), next);
    assert.equal(await store.loadSequence("unknown", CALM), 0n);
  },

  "PostgresStore keeps leases, and replaces only the version that was read": async (
    server,
    name,
  ) => {
    await using store = await leadingStore(server, { name });
    const { epoch } = store;
    const { version, leases } = await store.readLeases(CALM);
    assert.deepEqual(leases, []);
    const lease = {
      leaseId: 7,
      holder: new Uint8Array([0, 255]),
      holderEpoch: 2n ** 64n - 1n,
      ttlMs: 5,
      boundMs: 6,
      expiresAtMs: 8,
      superseded: true,
    };
    const outcome = await store.writeLeases({ version, leases: [lease] }, epoch, CALM);
    assert.equal(outcome.kind, "written");
    assert.deepEqual(await store.writeLeases({ version, leases: [] }, epoch, CALM), {
      kind: "conflict",
    });
    assert.deepEqual((await store.readLeases(CALM)).leases, [lease]);
  },

  "a restored store has a higher incarnation and high-water, and no term": async (server, name) => {
    await using store = storeOn(server, { name });
    await store.prepare(CALM);
    const before = await store.readStanding(CALM);
    const { epoch } = await takeLead(store);
    await store.persistHighWater(100, epoch, CALM);
    const restored = await store.restore(50, CALM);
    assert.ok(restored.incarnation > before.incarnation);
    assert.equal(restored.highWaterMs, 100);
    assert.equal((await store.restore(500, CALM)).highWaterMs, 500);
    assert.equal((await store.readStanding(CALM)).term, undefined);
    await assert.rejects(store.beat(epoch, CALM), { code: "not-leader" });
    assert.ok((await takeLead(store)).epoch > epoch);
  },
});

ioTestNeeding(
  POSTGRES_MISSING,
  "nodes that prepare at once make one store, and two names share nothing",
  async () => {
    await using server = await PostgresServer.start();
    const names = ["one", "one", "one", "two", "two", "two"];
    const stores = names.map((name) => storeOn(server, { name }));
    try {
      await Promise.all(stores.map((store) => store.prepare(CALM)));
      await Promise.all(stores.map((store) => store.prepare(CALM)));
      const [one, , , two] = stores;
      assert.ok(one !== undefined && two !== undefined);
      const { epoch } = await takeLead(one);
      await one.persistHighWater(77, epoch, CALM);
      const moved = new Map([["key", 5n]]);
      await one.writeSequences(
        { version: "0", operationId: "a", moved, counters: moved },
        epoch,
        CALM,
      );
      assert.equal(await two.loadHighWater(CALM), 0);
      assert.equal(await two.loadSequence("key", CALM), 0n);
      assert.equal((await two.readStanding(CALM)).term, undefined);
      assert.equal(await server.sql("select count(*) from tsoracle.state"), "2");
    } finally {
      await Promise.all(stores.map((store) => store.close()));
    }
  },
);

ioTestNeeding(
  POSTGRES_MISSING,
  "a store with a part missing, or of a later release, is refused and not begun anew",
  async () => {
    await using server = await PostgresServer.start();
    await using store = storeOn(server);
    await store.prepare(CALM);
    const refusal = (words: RegExp) => (error: Error) =>
      error instanceof PermanentError && words.test(error.message);
    await server.sql("update tsoracle.meta set format = 2");
    await assert.rejects(store.prepare(CALM), refusal(/format is 2 .* knows 1/));
    await server.sql("update tsoracle.meta set format = 1; delete from tsoracle.state");
    const row = refusal(/row 'tsoracle' of tsoracle.state.*restore/);
    await assert.rejects(store.prepare(CALM), row);
    await assert.rejects(store.loadHighWater(CALM), row);
    await assert.rejects(store.readStanding(CALM), row);
    await assert.rejects(store.readSequences(CALM), row);
    await assert.rejects(store.readLeases(CALM), row);
    await assert.rejects(store.beat(1n, CALM), row);
    await assert.rejects(store.restore(1, CALM), row);
    await server.sql("drop table tsoracle.state");
    await assert.rejects(store.prepare(CALM), refusal(/42P01.*part of the store is missing/));
  },
);
