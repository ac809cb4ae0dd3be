// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { ConsensusDriver, DriverCallOptions } from "../consensus/driver.ts";
import {
  ConsensusError,
  SequenceKeyLimitError,
  SequenceOverflowError,
} from "../consensus/errors.ts";
import type { Epoch } from "../core/epoch.ts";
import { SEQUENCE_COUNTER_MAX } from "../core/sequence.ts";
import type { SequenceRequest } from "../core/sequence.ts";
import { isFenced } from "./conformance_case.ts";
import type { ConformanceCase } from "./conformance_case.ts";
import { leaderEpoch } from "./event_reader.ts";
import { settle } from "./manual_clock.ts";

const NO_LIMIT = 10_000;

/** The promises about sequences that can be tried from outside. */
export const SEQUENCE_CONFORMANCE_CASES: readonly ConformanceCase[] = [
  {
    title: "advanceDense() gives each sequence its ordinals from 0 on, without a gap",
    run: async ({ driver }) => {
      const sequences = await Sequences.of(driver);
      assert.equal(await sequences.next("orders"), 0n);
      assert.equal(await sequences.take("orders", 3), 0n);
      assert.equal(await sequences.take("users", 1), 0n);
      assert.equal(await sequences.take("orders", 1), 3n);
      assert.deepEqual([await sequences.next("orders"), await sequences.next("users")], [4n, 1n]);
    },
  },
  {
    title: "advanceDense() tells keys apart by each of their bytes",
    run: async ({ driver }) => {
      const sequences = await Sequences.of(driver);
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
    title: "advanceDenseBatch() answers in the order of its requests",
    run: async ({ driver }) => {
      const sequences = await Sequences.of(driver);
      await sequences.take("b", 5);
      const batch = [{ key: "b", count: 2 }, { key: "a", count: 3 }];
      assert.deepEqual(await sequences.takeAll(batch), [5n, 0n]);
      assert.deepEqual(await sequences.takeAll(batch.toReversed()), [3n, 7n]);
    },
  },
  {
    title: "concurrent calls get blocks that fill each sequence without a gap",
    run: async ({ driver }) => {
      const sequences = await Sequences.of(driver);
      const counts = Array.from({ length: 30 }, (_, call) => 1 + call % 4);
      const singles = counts.map((count) => sequences.take("orders", count));
      const pair = [{ key: "orders", count: 2 }, { key: "users", count: 1 }];
      const batches = await Promise.all(counts.map(() => sequences.takeAll(pair)));
      const blocks = [
        ...(await Promise.all(singles)).map((start, call) => [start, counts[call]] as const),
        ...batches.map(([start]) => [start, 2] as const),
      ];
      assert.equal(endOf(blocks), await sequences.next("orders"));
      const users = batches.map(([, start]) => [start, 1] as const);
      assert.equal(endOf(users), await sequences.next("users"));
    },
  },
  {
    title: "advanceDense() whose signal has fired takes nothing",
    run: async ({ driver }) => {
      const sequences = await Sequences.of(driver);
      const reason = new DOMException("the caller gave up", "AbortError");
      const signal = AbortSignal.abort(reason);
      const batch = [{ key: "orders", count: 5 }];
      await assert.rejects(sequences.take("orders", 5, { signal }), isReason(reason));
      await assert.rejects(sequences.takeAll(batch, { signal }), isReason(reason));
      assert.equal(await sequences.next("orders"), 0n);
    },
  },
  {
    title: "advanceDense() that is given up took its block and says so, or took nothing",
    run: async ({ driver }) => {
      const sequences = await Sequences.of(driver);
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
    title: "advanceDense() survives a restart of the driver",
    needs: "reopen",
    run: async (subject) => {
      const before = await Sequences.of(subject.driver);
      await before.takeAll([{ key: "orders", count: 3 }, { key: "users", count: 1 }]);
      await before.take("orders", 2);
      await subject.reopen();
      const after = await Sequences.of(subject.driver);
      assert.equal(await after.next("users"), 1n);
      assert.equal(await after.take("orders", 1), 5n);
    },
  },
  {
    title: "advanceDense() under a superseded epoch is refused and takes nothing",
    needs: "supersede",
    run: async (subject) => {
      const sequences = await Sequences.of(subject.driver);
      await sequences.take("orders", 3);
      await subject.supersede();
      await assert.rejects(sequences.take("orders", 1), isFenced);
      await assert.rejects(sequences.takeAll([{ key: "orders", count: 1 }]), isFenced);
      assert.equal(await sequences.next("orders"), 3n);
    },
  },
  {
    title: "advanceDense() ends at the counter 2^64 - 1, and then takes nothing of a batch",
    needs: "openWith",
    run: async (subject) => {
      const next = SEQUENCE_COUNTER_MAX - 5n;
      await subject.openWith({
        sequences: new Map([["orders", next]]),
        maxSequenceKeys: NO_LIMIT,
      });
      const sequences = await Sequences.of(subject.driver);
      const batch = [{ key: "users", count: 1 }, { key: "orders", count: 6 }];
      await assert.rejects(sequences.take("orders", 6), SequenceOverflowError);
      await assert.rejects(sequences.takeAll(batch), SequenceOverflowError);
      assert.deepEqual([await sequences.next("users"), await sequences.next("orders")], [0n, next]);
      assert.equal(await sequences.take("orders", 5), next);
      await assert.rejects(sequences.take("orders", 1), SequenceOverflowError);
    },
  },
  {
    title: "advanceDense() of a new key beyond the limit is refused, and takes nothing of a batch",
    needs: "openWith",
    run: async (subject) => {
      await subject.openWith({ sequences: new Map([["a", 1n], ["b", 1n]]), maxSequenceKeys: 3 });
      const sequences = await Sequences.of(subject.driver);
      const batch = [{ key: "a", count: 1 }, { key: "c", count: 1 }, { key: "d", count: 1 }];
      await assert.rejects(sequences.takeAll(batch), SequenceKeyLimitError);
      assert.deepEqual([await sequences.next("a"), await sequences.next("c")], [1n, 0n]);
      assert.equal(await sequences.take("c", 1), 0n);
      await assert.rejects(sequences.take("d", 1), SequenceKeyLimitError);
      assert.deepEqual([await sequences.take("a", 1), await sequences.take("c", 1)], [1n, 1n]);
    },
  },
];

/** The sequences of a driver that leads. */
class Sequences {
  readonly #driver: ConsensusDriver;
  readonly #epoch: Epoch;

  private constructor(driver: ConsensusDriver, epoch: Epoch) {
    this.#driver = driver;
    this.#epoch = epoch;
  }

  static async of(driver: ConsensusDriver): Promise<Sequences> {
    return new Sequences(driver, await leaderEpoch(driver));
  }

  async next(key: string): Promise<bigint> {
    const next = await this.#driver.loadDenseSeq?.(key);
    assert.ok(next !== undefined, "the driver has no loadDenseSeq");
    return next;
  }

  async take(key: string, count: number, options?: DriverCallOptions): Promise<bigint> {
    const start = await this.#driver.advanceDense?.({ key, count }, this.#epoch, options);
    assert.ok(start !== undefined, "the driver has no advanceDense");
    return start;
  }

  async takeAll(
    requests: readonly SequenceRequest[],
    options?: DriverCallOptions,
  ): Promise<readonly bigint[]> {
    const starts = await this.#driver.advanceDenseBatch?.(requests, this.#epoch, options);
    assert.ok(starts !== undefined, "the driver has no advanceDenseBatch");
    return starts;
  }

  /** Takes 7 and gives up after some turns. */
  async takeAndGiveUp(turns: number): Promise<"taken" | "nothing" | "unknown"> {
    const stop = new AbortController();
    const reason = new DOMException("the caller gave up", "AbortError");
    const outcome = this.take("orders", 7, { signal: stop.signal }).then(
      () => "taken" as const,
      (error: unknown) => {
        if (error === reason) return "nothing" as const;
        assert.ok(error instanceof ConsensusError, `threw ${error}`);
        return "unknown" as const;
      },
    );
    await settle(turns);
    stop.abort(reason);
    return await outcome;
  }
}

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
