// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { consensusCodeOf } from "../../consensus/errors.ts";
import { isFenced, isTransient } from "./driver_check.ts";
import type { DriverCheck, DriverTrial } from "./driver_check.ts";
import { givenUp, orTransient, outcomeOf, writeAfterFault } from "./fault_recovery.ts";
import type { Outcome } from "./fault_recovery.ts";
import { Sequences } from "./sequences.ts";

/** The promises about sequences when the engine does not answer, or is cut off. */
export const SEQUENCE_FAULT_CHECKS: readonly DriverCheck[] = [
  {
    id: "dense-deadline",
    title: "advanceDense() and loadDenseSeq() settle within a deadline when the engine is silent",
    needs: ["silence"],
    run: async (trial) => {
      const sequences = await Sequences.of(trial);
      const speak = await trial.silence();
      const batch = [{ key: "orders", count: 1 }];
      const [loaded] = await Promise.all([
        outcomeOf(sequences.next("orders")),
        givenUp(sequences.take("orders", 1), "advanceDense()"),
        givenUp(sequences.takeAll(batch), "advanceDenseBatch()"),
      ]);
      assert.equal(orTransient(loaded) ?? 0n, 0n);
      await speak();
    },
  },
  {
    id: "dense-without-answer",
    title: "advanceDense() that the engine did not answer takes its block once or not at all",
    needs: ["silence"],
    run: async (trial) => {
      const sequences = await warm(trial);
      const early = takeEach(sequences, 0);
      const speak = await trial.silence();
      const late = takeEach(sequences, CALLS);
      const blocks = await Promise.all([...early, ...late]);
      await speak();
      await checkExactlyOnce(trial, blocks);
    },
  },
  {
    id: "dense-through-faults",
    title: "advanceDense() that loses its connection takes its block once or not at all",
    needs: ["fault"],
    run: async (trial) => {
      const blocks: Block[] = [];
      for (let fault = 0; fault < 3; fault++) {
        const taking = takeEach(await warm(trial), fault * CALLS);
        await trial.fault();
        blocks.push(...await Promise.all(taking));
      }
      await checkExactlyOnce(trial, blocks);
    },
  },
];

/** Calls that are under way together. */
const CALLS = 5;

/** Each call takes a power of this, so that the counter tells how often each has taken its block. */
const RADIX = 3n;

/** A block that was asked for. */
interface Block {
  readonly count: bigint;
  /** Its first ordinal, or how the call failed. */
  readonly outcome: Outcome<bigint>;
}

/** Takes from another sequence first, so that what the fault meets is the next write and not the way to it. */
async function warm(trial: DriverTrial): Promise<Sequences> {
  await writeAfterFault(trial, async () => {
    await (await Sequences.of(trial)).take("users", 1);
  });
  return await Sequences.of(trial);
}

function takeEach(sequences: Sequences, from: number): ReadonlyArray<Promise<Block>> {
  return Array.from({ length: CALLS }, (_, call) => take(sequences, RADIX ** BigInt(from + call)));
}

async function take(sequences: Sequences, count: bigint): Promise<Block> {
  return { count, outcome: await outcomeOf(sequences.take("orders", Number(count))) };
}

/** Once the engine answers again, reads off the counter who took how often. */
async function checkExactlyOnce(trial: DriverTrial, blocks: readonly Block[]): Promise<void> {
  const { driver } = trial;
  await writeAfterFault(trial, (epoch) => driver.persistHighWater(1_000, epoch));
  const sequences = await Sequences.of(trial);
  const next = await sequences.next("orders");
  for (const { count, outcome } of blocks) {
    const times = next / count % RADIX;
    const what = `of ${next} ordinals the call for ${count} took its block ${times} times`;
    if ("value" in outcome) assert.equal(times, 1n, `${what}, and returned one`);
    else if (tookNothing(outcome.error)) assert.equal(times, 0n, `${what}, and was refused`);
    else assert.ok(times <= 1n, what);
  }
  checkDisjoint(blocks, next);
}

/** Whether a call has promised by its error that nothing was taken and nothing will be. */
function tookNothing(error: unknown): boolean {
  if (isFenced(error) || consensusCodeOf(error) === "unavailable") return true;
  assert.ok(isTransient(error), `without an answer of the engine advanceDense() threw ${error}`);
  return false;
}

function checkDisjoint(blocks: readonly Block[], next: bigint): void {
  let end = 0n;
  const given = blocks.flatMap(({ outcome, count }) =>
    "value" in outcome ? [{ start: outcome.value, count }] : []
  );
  for (const { start, count } of given.toSorted((a, b) => a.start < b.start ? -1 : 1)) {
    assert.ok(start >= end, `the block from ${start} overlaps the one before it`);
    end = start + count;
  }
  assert.ok(end <= next, `ordinal ${end - 1n} was given out, and ${next} is the next`);
}
