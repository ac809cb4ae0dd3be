// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { Epoch } from "../../core/epoch.ts";
import { SEQUENCE_COUNTER_MAX } from "../../core/sequence.ts";
import { isOf, refused } from "./driver_check.ts";
import type { DriverCheck } from "./driver_check.ts";
import { Sequences } from "./sequences.ts";
import { openStandby, replaceSilenced } from "./succession.ts";
import { checkUpperHalf } from "./upper_half.ts";

const NO_LIMIT = 10_000;

/** The promises about sequences, while the engine answers. */
export const SEQUENCE_CHECKS: readonly DriverCheck[] = [
  {
    id: "dense-from-0",
    title: "advanceDense() gives each sequence its ordinals from 0 on, without a gap",
    needs: [],
    run: async (trial) => {
      const sequences = await Sequences.of(trial);
      assert.equal(await sequences.next("orders"), 0n);
      assert.equal(await sequences.take("orders", 3), 0n);
      assert.equal(await sequences.take("users", 1), 0n);
      assert.equal(await sequences.take("orders", 1), 3n);
      assert.deepEqual([await sequences.next("orders"), await sequences.next("users")], [4n, 1n]);
    },
  },
  {
    id: "dense-keys-are-bytes",
    title: "advanceDense() tells keys apart by each of their bytes",
    needs: [],
    run: async (trial) => {
      const sequences = await Sequences.of(trial);
      const keys = ["a", "A", "a ", "\0", "\uFEFFa", "\u00e9", "e\u0301", "\uff5e", "\u{1d11e}"];
      const longest = ["k".repeat(128), "\u{1d11e}".repeat(32)];
      const all = [...keys, ...longest];
      for (const [index, key] of all.entries()) await sequences.take(key, index + 1);
      for (const [index, key] of all.entries()) {
        assert.equal(await sequences.next(key), BigInt(index + 1), JSON.stringify(key));
      }
    },
  },
  {
    id: "dense-batch-order",
    title: "advanceDenseBatch() answers in the order of its requests",
    needs: [],
    run: async (trial) => {
      const sequences = await Sequences.of(trial);
      await sequences.take("b", 5);
      const batch = [{ key: "b", count: 2 }, { key: "a", count: 3 }];
      assert.deepEqual(await sequences.takeAll(batch), [5n, 0n]);
      assert.deepEqual(await sequences.takeAll(batch.toReversed()), [3n, 7n]);
    },
  },
  {
    id: "dense-concurrent",
    title: "concurrent calls get blocks that fill each sequence without a gap",
    needs: [],
    run: async (trial) => {
      const sequences = await Sequences.of(trial);
      const counts = Array.from({ length: 30 }, (_, call) => 1 + call % 4);
      const pair = [{ key: "orders", count: 2 }, { key: "users", count: 1 }];
      const [singles, batches] = await Promise.all([
        Promise.all(counts.map((count) => sequences.take("orders", count))),
        Promise.all(counts.map(() => sequences.takeAll(pair))),
      ]);
      const blocks = [
        ...singles.map((start, call) => [start, counts[call]] as const),
        ...batches.map(([start]) => [start, 2] as const),
      ];
      assert.equal(endOf(blocks), await sequences.next("orders"));
      const users = batches.map(([, start]) => [start, 1] as const);
      assert.equal(endOf(users), await sequences.next("users"));
    },
  },
  {
    id: "dense-aborted-before",
    title: "advanceDense() whose signal has fired takes nothing",
    needs: [],
    run: async (trial) => {
      const sequences = await Sequences.of(trial);
      const reason = new DOMException("the caller gave up", "AbortError");
      const signal = AbortSignal.abort(reason);
      const batch = [{ key: "orders", count: 5 }];
      await assert.rejects(sequences.take("orders", 5, { signal }), isReason(reason));
      await assert.rejects(sequences.takeAll(batch, { signal }), isReason(reason));
      assert.equal(await sequences.next("orders"), 0n);
    },
  },
  {
    id: "dense-given-up",
    title: "advanceDense() that is given up took its block and says so, or took nothing",
    needs: [],
    run: async (trial) => {
      const sequences = await Sequences.of(trial);
      let taken = 0n;
      let unknown = 0n;
      for (let round = 0; round < 20; round++) {
        const outcome = await sequences.takeAndGiveUp(round);
        if (outcome === "taken") taken += 7n;
        else if (outcome === "unknown") unknown += 7n;
        const next = await sequences.next("orders");
        assert.ok(next >= taken && next <= taken + unknown, `${next} is next, ${taken} were taken`);
      }
    },
  },
  {
    id: "dense-durable",
    title: "advanceDense() survives a restart of the driver",
    needs: ["reopen"],
    run: async (trial) => {
      const before = await Sequences.of(trial);
      await before.takeAll([{ key: "orders", count: 3 }, { key: "users", count: 1 }]);
      await before.take("orders", 2);
      await trial.reopen();
      const after = await Sequences.of(trial);
      assert.equal(await after.next("users"), 1n);
      assert.equal(await after.take("orders", 1), 5n);
    },
  },
  {
    id: "dense-linearized-across-nodes",
    title: "loadDenseSeq() of a standby sees what was taken on the leader",
    needs: ["standby"],
    run: async (trial) => {
      const sequences = await Sequences.of(trial);
      const onStandby = Sequences.on(await trial.standby(), sequences.epoch);
      for (let taken = 0n; taken < 10n; taken++) {
        assert.equal(await onStandby.next("orders"), taken);
        await sequences.take("orders", 1);
      }
    },
  },
  {
    id: "dense-on-successor",
    title: "advanceDense() of a successor goes on where its predecessor ended",
    needs: ["standby", "silence"],
    run: async (trial) => {
      const sequences = await Sequences.of(trial);
      const standby = await openStandby(trial);
      await Sequences.on(standby, sequences.epoch).next("orders");
      await sequences.take("orders", 3);
      const later = Sequences.on(standby, await replaceSilenced(trial, standby));
      assert.equal(await later.take("orders", 2), 3n);
      assert.equal(await later.next("orders"), 5n);
    },
  },
  {
    id: "dense-fenced",
    title: "advanceDense() under a superseded epoch is refused and takes nothing",
    needs: ["supersede"],
    run: async (trial) => {
      const sequences = await Sequences.of(trial);
      await sequences.take("orders", 3);
      await trial.supersede();
      await refused(sequences.take("orders", 1), "advanceDense()");
      await refused(sequences.takeAll([{ key: "orders", count: 1 }]), "advanceDenseBatch()");
      assert.equal(await sequences.next("orders"), 3n);
    },
  },
  {
    id: "dense-fenced-upper-half",
    title: "advanceDense() tells epochs apart that differ in the upper half alone",
    needs: [],
    run: async (trial) => {
      const sequences = await Sequences.of(trial);
      const take = (epoch: Epoch) => Sequences.on(trial.driver, epoch).take("orders", 1);
      await checkUpperHalf(sequences.epoch, take);
    },
  },
  {
    id: "dense-overflow",
    title: "advanceDense() ends at the counter 2^64 - 1, and then takes nothing of a batch",
    needs: ["openWith"],
    run: async (trial) => {
      const next = SEQUENCE_COUNTER_MAX - 5n;
      await trial.openWith({
        sequences: new Map([["orders", next]]),
        maxSequenceKeys: NO_LIMIT,
      });
      const sequences = await Sequences.of(trial);
      const batch = [{ key: "users", count: 1 }, { key: "orders", count: 6 }];
      await assert.rejects(sequences.take("orders", 6), isOf("sequence-overflow"));
      await assert.rejects(sequences.takeAll(batch), isOf("sequence-overflow"));
      assert.deepEqual([await sequences.next("users"), await sequences.next("orders")], [0n, next]);
      assert.equal(await sequences.take("orders", 5), next);
      await assert.rejects(sequences.take("orders", 1), isOf("sequence-overflow"));
    },
  },
  {
    id: "dense-key-limit",
    title: "advanceDense() of a new key beyond the limit is refused, and takes nothing of a batch",
    needs: ["openWith"],
    run: async (trial) => {
      await trial.openWith({ sequences: new Map([["a", 1n], ["b", 1n]]), maxSequenceKeys: 3 });
      const sequences = await Sequences.of(trial);
      const batch = [{ key: "a", count: 1 }, { key: "c", count: 1 }, { key: "d", count: 1 }];
      await assert.rejects(sequences.takeAll(batch), isOf("sequence-key-limit"));
      assert.deepEqual([await sequences.next("a"), await sequences.next("c")], [1n, 0n]);
      assert.equal(await sequences.take("c", 1), 0n);
      await assert.rejects(sequences.take("d", 1), isOf("sequence-key-limit"));
      assert.deepEqual([await sequences.take("a", 1), await sequences.take("c", 1)], [1n, 1n]);
    },
  },
];

/** Checks that blocks begin at 0 and follow one another, and tells where they end. */
function endOf(blocks: ReadonlyArray<readonly [bigint | undefined, number | undefined]>): bigint {
  const known = blocks.map(([start = -1n, count = 0]) => ({ start, end: start + BigInt(count) }));
  let end = 0n;
  for (const block of known.toSorted((one, other) => one.start < other.start ? -1 : 1)) {
    assert.equal(block.start, end, "two blocks overlap, or there is a gap between them");
    end = block.end;
  }
  return end;
}

function isReason(reason: unknown): (error: unknown) => boolean {
  return (error) => error === reason;
}
