// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { consensusCodeOf } from "../../../../src/consensus/errors.ts";
import { UINT64_MAX } from "../../../../src/core/integer_limits.ts";
import type { StoreCase } from "./store_contract.ts";
import {
  assertFenced,
  CALL,
  claimOf,
  contentOf,
  lead,
  leaseOf,
  termOf,
  writeOf,
} from "./store_contract_calls.ts";

/** The promises about the high-water, sequences, leases, a restore, and how calls end. */
export const STATE_CASES: readonly StoreCase[] = [
  {
    title: "is prepared by several nodes at a time, and again, without a change",
    run: async ({ store, other, rig }) => {
      const { epoch } = await lead(store);
      await store.persistHighWater(5, epoch, CALL);
      const before = await contentOf(store);
      const third = rig.connect();
      await Promise.all([store, other, third].map((each) => each.prepare(CALL)));
      assert.deepEqual(await contentOf(third), before);
    },
  },
  {
    title: "begins empty",
    run: async ({ store }) => {
      assert.equal(await store.loadHighWater(CALL), 0);
      const { operationId, counters } = await store.readSequences(CALL);
      assert.deepEqual([operationId, [...counters]], [undefined, []]);
      assert.equal(await store.loadSequence("none", CALL), 0n);
      assert.deepEqual((await store.readLeases(CALL)).leases, []);
    },
  },
  {
    title: "raises the high-water to at least what is asked for, for all nodes to see",
    run: async ({ store, other }) => {
      const { epoch } = await lead(store);
      assert.equal(await store.persistHighWater(1_000, epoch, CALL), 1_000);
      assert.equal(await store.persistHighWater(999, epoch, CALL), 1_000);
      assert.equal(await other.loadHighWater(CALL), 1_000);
      // Ten digits more: numbers must not be compared as texts.
      assert.equal(await store.persistHighWater(2 ** 46 - 1, epoch, CALL), 2 ** 46 - 1);
      assert.equal(await store.persistHighWater(2_000, epoch, CALL), 2 ** 46 - 1);
      assert.equal(await other.loadHighWater(CALL), 2 ** 46 - 1);
    },
  },
  {
    title: "reads what another node was told is written",
    run: async ({ store, other }) => {
      const { epoch } = await lead(store);
      for (let value = 1; value <= 20; value++) {
        await store.persistHighWater(value, epoch, CALL);
        assert.equal(await other.loadHighWater(CALL), value);
      }
    },
  },
  {
    title: "moves sequences, and remembers the operation",
    run: async ({ store, other }) => {
      const { epoch } = await lead(store);
      const { version } = await store.readSequences(CALL);
      const write = writeOf(version, [["a", 3n], ["b", UINT64_MAX]]);
      const outcome = await store.writeSequences(write, epoch, CALL);
      assert(outcome.kind === "written");
      assert.notEqual(outcome.version, version);
      const stored = await other.readSequences(CALL);
      assert.equal(stored.version, outcome.version);
      assert.equal(stored.operationId, write.operationId);
      assert.deepEqual(new Map(stored.counters), new Map([["a", 3n], ["b", UINT64_MAX]]));
      assert.equal(await other.loadSequence("b", CALL), UINT64_MAX);
      const next = writeOf(outcome.version, [["a", 4n]], stored.counters);
      assert.equal((await store.writeSequences(next, epoch, CALL)).kind, "written");
      assert.equal(await other.loadSequence("a", CALL), 4n);
      assert.equal(await other.loadSequence("b", CALL), UINT64_MAX);
    },
  },
  {
    title: "moves nothing for a version that has passed, a repetition included",
    run: async ({ store, other }) => {
      const { epoch } = await lead(store);
      const { version } = await store.readSequences(CALL);
      const first = writeOf(version, [["a", 1n]]);
      assert.equal((await store.writeSequences(first, epoch, CALL)).kind, "written");
      const before = await contentOf(other);
      assert.deepEqual(await store.writeSequences(first, epoch, CALL), { kind: "conflict" });
      const late = writeOf(version, [["b", 9n]]);
      assert.deepEqual(await other.writeSequences(late, epoch, CALL), { kind: "conflict" });
      assert.deepEqual(await contentOf(other), before);
    },
  },
  {
    title: "loses no update of sequences that are written at a time",
    run: async ({ store, other }) => {
      const { epoch } = await lead(store);
      const { version } = await store.readSequences(CALL);
      const writes = [store, other, store, other, store].map((each, index) => {
        const write = writeOf(version, [[`key-${index}`, 1n]]);
        return each.writeSequences(write, epoch, CALL);
      });
      const outcomes = await Promise.all(writes);
      assert.equal(outcomes.filter(({ kind }) => kind === "written").length, 1);
      assert.equal((await store.readSequences(CALL)).counters.size, 1);
    },
  },
  {
    title: "moves hundreds of sequences in one step, and keeps their names byte by byte",
    run: async ({ store, other }) => {
      const { epoch } = await lead(store);
      const { version } = await store.readSequences(CALL);
      const odd = [
        "\u00e9",
        "e\u0301",
        "A",
        "a",
        " a",
        "%_'\"\\",
        "\u0000",
        "\u{1f600}",
        "é".repeat(64),
      ];
      const names = [...odd, ...Array.from({ length: 300 }, (_, index) => `orders/${index}`)];
      const moved = names.map((name, index) => [name, BigInt(index + 1)] as const);
      const outcome = await store.writeSequences(writeOf(version, moved), epoch, CALL);
      assert.equal(outcome.kind, "written");
      assert.deepEqual(new Map((await other.readSequences(CALL)).counters), new Map(moved));
      for (const [name, next] of moved.slice(0, odd.length)) {
        assert.equal(await other.loadSequence(name, CALL), next, JSON.stringify(name));
      }
    },
  },
  {
    title: "replaces leases as a whole, and keeps every property",
    run: async ({ store, other }) => {
      const { epoch } = await lead(store);
      const { version } = await store.readLeases(CALL);
      const leases = [leaseOf(1), leaseOf(2), leaseOf(3)];
      const outcome = await store.writeLeases({ version, leases }, epoch, CALL);
      assert(outcome.kind === "written");
      assert.deepEqual(await other.readLeases(CALL), { version: outcome.version, leases });
      const fewer = { version: outcome.version, leases: [leaseOf(2)] };
      assert.equal((await store.writeLeases(fewer, epoch, CALL)).kind, "written");
      assert.deepEqual((await other.readLeases(CALL)).leases, [leaseOf(2)]);
      const before = await contentOf(store);
      assert.deepEqual(await store.writeLeases(fewer, epoch, CALL), { kind: "conflict" });
      assert.deepEqual(await contentOf(store), before);
    },
  },
  {
    title: "loses no replacement of leases that are written at a time",
    run: async ({ store, other }) => {
      const { epoch } = await lead(store);
      const { version } = await store.readLeases(CALL);
      const outcomes = await Promise.all(
        [store, other, store, other].map((each, index) =>
          each.writeLeases({ version, leases: [leaseOf(index)] }, epoch, CALL)
        ),
      );
      const winner = outcomes.findIndex(({ kind }) => kind === "written");
      assert.equal(outcomes.filter(({ kind }) => kind === "written").length, 1);
      assert.deepEqual((await other.readLeases(CALL)).leases, [leaseOf(winner)]);
    },
  },
  {
    title: "restores to the incarnation that is given, without a term, and keeps the rest",
    run: async ({ store, other }) => {
      const { epoch } = await lead(store);
      await store.persistHighWater(1_000, epoch, CALL);
      const { version } = await store.readSequences(CALL);
      await store.writeSequences(writeOf(version, [["a", 3n]]), epoch, CALL);
      const leases = await store.readLeases(CALL);
      await store.writeLeases({ version: leases.version, leases: [leaseOf(1)] }, epoch, CALL);
      const seen = await store.readStanding(CALL);
      const atLeastMs = 2_000 + Number(seen.incarnation);
      const incarnation = BigInt(atLeastMs);
      assert.deepEqual(await other.restore(atLeastMs, CALL), {
        incarnation,
        highWaterMs: atLeastMs,
      });
      const restored = await store.readStanding(CALL);
      assert.equal(restored.term, undefined);
      assert.equal(restored.incarnation, incarnation);
      assert.equal(restored.resigned, false);
      assert.equal(await store.loadSequence("a", CALL), 3n);
      assert.deepEqual((await store.readLeases(CALL)).leases, [leaseOf(1)]);
      await assertFenced(store.persistHighWater(3_000, epoch, CALL));
      await assertFenced(store.beat(epoch, CALL));
      assert.equal(await store.takeOver(seen, claimOf(1), CALL), undefined);
      const later = await store.takeOver(restored, claimOf(2), CALL);
      assert(later !== undefined);
      assert(termOf(later).epoch > epoch);
      assert.equal(termOf(later).epoch >> 64n, incarnation);
    },
  },
  {
    title: "never lowers the high-water by a restore, and always raises the incarnation",
    run: async ({ store }) => {
      const { epoch } = await lead(store);
      await store.persistHighWater(1_000, epoch, CALL);
      assert.equal((await store.restore(5, CALL)).highWaterMs, 1_000);
      const { incarnation } = await store.readStanding(CALL);
      assert(incarnation > epoch >> 64n);
      assert.equal((await store.restore(0, CALL)).incarnation, incarnation + 1n);
      assert.equal(await store.loadHighWater(CALL), 1_000);
    },
  },
  {
    title: "does nothing for a call whose signal has fired, and gives its reason",
    run: async ({ store }) => {
      const { epoch } = await lead(store);
      const before = await contentOf(store);
      const options = { ...CALL, signal: AbortSignal.abort(new Error("enough")) };
      await assert.rejects(store.persistHighWater(9, epoch, options), /enough/);
      await assert.rejects(store.beat(epoch, options), /enough/);
      await assert.rejects(store.readStanding(options), /enough/);
      assert.deepEqual(await contentOf(store), before);
    },
  },
  {
    title: "refuses calls once it is closed, and can be closed again",
    run: async ({ store }) => {
      await store.close();
      await store.close();
      const error = await store.readStanding(CALL).catch((error: unknown) => error);
      assert(consensusCodeOf(error) !== undefined, String(error));
    },
  },
  {
    title: "ends every call in time while the engine is silent",
    needs: "silence",
    run: async ({ store, rig }) => {
      const { epoch } = await lead(store);
      const standing = await store.readStanding(CALL);
      await rig.silence?.();
      const options = { timeoutMs: 200 };
      const write = writeOf("0", [["a", 1n]]);
      const calls = [
        store.prepare(options),
        store.readStanding(options),
        store.takeOver(standing, claimOf(1), options),
        store.beat(epoch, options),
        store.resign(epoch, options),
        store.loadHighWater(options),
        store.persistHighWater(1, epoch, options),
        store.loadSequence("a", options),
        store.readSequences(options),
        store.writeSequences(write, epoch, options),
        store.readLeases(options),
        store.writeLeases({ version: "0", leases: [] }, epoch, options),
        store.restore(0, options),
      ];
      for (const outcome of await Promise.allSettled(calls)) {
        assert(outcome.status === "rejected");
        const code = consensusCodeOf(outcome.reason);
        assert(code === "transient" || code === "unavailable", String(outcome.reason));
      }
    },
  },
];
