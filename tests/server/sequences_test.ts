// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import {
  AdvanceOutOfRangeError,
  FencedError,
  NotLeaderError,
  PermanentError,
  SequenceKeyLimitError,
  SequenceOverflowError,
  TransientError,
  UnavailableError,
} from "../../src/consensus/errors.ts";
import { SEQUENCE_COUNTER_MAX } from "../../src/core/sequence.ts";
import { settle } from "../../src/testing/manual_clock.ts";
import { Gate, OracleRig } from "../_support/oracle_rig.ts";

const NOT_LEADER = "tsoracle.not_leader.total";

async function leader(options: ConstructorParameters<typeof OracleRig>[0] = {}) {
  const rig = new OracleRig(options);
  await rig.lead(5n);
  return rig;
}

Deno.test("take() gives the blocks of a key one after the other, the first at 0", async () => {
  await using rig = await leader();
  const { sequences } = rig.oracle;
  const blocks: unknown[] = [];
  for (const count of [3, 1, 65_536]) blocks.push(await sequences.take({ key: "orders", count }));
  assert.deepEqual(blocks, [
    { key: "orders", start: 0n, count: 3, epoch: 5n },
    { key: "orders", start: 3n, count: 1, epoch: 5n },
    { key: "orders", start: 4n, count: 65_536, epoch: 5n },
  ]);
  const { metrics } = rig;
  assert.equal(metrics.total("tsoracle.get_seq.requests.total"), 3);
  assert.equal(metrics.total("tsoracle.get_seq.success.total"), 3);
  assert.equal(metrics.total("tsoracle.get_seq.values_issued"), 65_540);
  assert.equal(metrics.total("tsoracle.get_seq.batch.requests.total"), 0);
});

Deno.test("takeBatch() gives a block of each key, in the order of the request", async () => {
  await using rig = await leader();
  const { sequences } = rig.oracle;
  await sequences.take({ key: "b", count: 7 });
  const grant = await sequences.takeBatch([{ key: "b", count: 2 }, { key: "a", count: 3 }]);
  assert.deepEqual(grant, {
    blocks: [{ key: "b", start: 7n, count: 2 }, { key: "a", start: 0n, count: 3 }],
    epoch: 5n,
  });
  const { metrics } = rig;
  assert.equal(rig.driver.advances.length, 2, "one step for the whole batch");
  assert.equal(metrics.total("tsoracle.get_seq.batch.requests.total"), 1);
  assert.equal(metrics.total("tsoracle.get_seq.batch.success.total"), 1);
  assert.equal(metrics.total("tsoracle.get_seq.batch.values_issued"), 5);
  assert.deepEqual(metrics.observed("tsoracle.get_seq.batch.keys"), [2]);
});

Deno.test("take() and takeBatch() go by the request as it was when they were called", async () => {
  await using rig = await leader();
  const { sequences } = rig.oracle;
  const request = { key: "a", count: 2 };
  const taking = sequences.take(request);
  Object.assign(request, { key: "b", count: 9 });
  const { epoch: _epoch, ...taken } = await taking;
  assert.deepEqual(taken, { key: "a", start: 0n, count: 2 });
  const batch = [{ key: "a", count: 1 }, { key: "b", count: 1 }];
  const takingBatch = sequences.takeBatch(batch);
  Object.assign(batch[0] ?? {}, { count: 9 });
  batch.pop();
  assert.deepEqual((await takingBatch).blocks, [
    { key: "a", start: 2n, count: 1 },
    { key: "b", start: 0n, count: 1 },
  ]);
});

Deno.test("take() and takeBatch() reach the last ordinal, 2^64 - 2, and not beyond", async () => {
  const counters = [["one", SEQUENCE_COUNTER_MAX - 1n], [
    "ten",
    SEQUENCE_COUNTER_MAX - 10n,
  ]] as const;
  await using rig = await leader({ store: { sequences: counters } });
  const { sequences } = rig.oracle;
  await assert.rejects(sequences.take({ key: "one", count: 2 }), {
    code: "sequence-overflow",
    message: /^dense counter overflow: "one" is at 18446744073709551614 and cannot give 2 more/,
  });
  const last = await sequences.take({ key: "one", count: 1 });
  assert.equal(last.start, 18_446_744_073_709_551_614n);
  await assert.rejects(sequences.take({ key: "one", count: 1 }), { code: "sequence-overflow" });
  const batch = [{ key: "ten", count: 10 }, { key: "one", count: 1 }];
  await assert.rejects(sequences.takeBatch(batch), { code: "sequence-overflow" });
  const ten = await sequences.take({ key: "ten", count: 10 });
  assert.equal(ten.start, SEQUENCE_COUNTER_MAX - 10n, "the batch moved nothing");
});

Deno.test("take() and takeBatch() refuse a key too many, count it, and move nothing", async () => {
  await using rig = await leader({ store: { sequences: [["a", 1n]], maxSequenceKeys: 2 } });
  const { sequences } = rig.oracle;
  const refusal = { code: "key-limit", message: "dense key cardinality cap 2 reached" };
  const batch = [{ key: "a", count: 1 }, { key: "b", count: 1 }, { key: "c", count: 1 }];
  await assert.rejects(sequences.takeBatch(batch), refusal);
  await sequences.take({ key: "b", count: 1 });
  await assert.rejects(sequences.take({ key: "c", count: 1 }), refusal);
  assert.equal((await sequences.take({ key: "a", count: 1 })).start, 1n);
  const { metrics } = rig;
  assert.equal(metrics.total("tsoracle.get_seq.cardinality_rejected.total"), 1);
  assert.equal(metrics.total("tsoracle.get_seq.batch.cardinality_rejected.total"), 1);
});

Deno.test("take() looks at leadership, then the count, then the key, and asks no store for what it refuses", async () => {
  await using rig = new OracleRig({ maxSequenceCount: 100 });
  const { sequences } = rig.oracle;
  await assert.rejects(sequences.take({ key: "", count: 0 }), { code: "not-leader" });
  await rig.lead(1n);
  for (const count of [0, 101, 1.5, NaN]) {
    await assert.rejects(sequences.take({ key: "", count }), {
      code: "invalid-count",
      message: `count must be between 1 and the maximum: it is ${count}, the maximum is 100`,
    });
  }
  for (const key of ["", "k".repeat(129), "\ud800"]) {
    await assert.rejects(sequences.take({ key, count: 1 }), {
      code: "invalid-key",
      message: /^invalid sequence key/,
    });
  }
  assert.equal(rig.driver.advances.length, 0);
  assert.equal((await sequences.take({ key: "k".repeat(128), count: 100 })).count, 100);
  assert.equal(rig.metrics.total("tsoracle.get_seq.requests.total"), 9);
  assert.equal(rig.metrics.total(NOT_LEADER), 1);
});

Deno.test("takeBatch() refuses batches that are empty, too long, repeat a key or hold a bad entry", async () => {
  await using rig = await leader({ maxSequenceBatchKeys: 3, maxSequenceCount: 10 });
  const { sequences } = rig.oracle;
  const entries = (...keys: string[]) => keys.map((key) => ({ key, count: 1 }));
  const rows = [
    [[], "invalid-batch", /it has 0, the maximum is 3$/],
    [entries("a", "b", "c", "d"), "invalid-batch", /it has 4, the maximum is 3$/],
    [entries("a", "b", "a"), "invalid-batch", /"a" occurs twice$/],
    [[...entries("a"), { key: "b", count: 0 }], "invalid-count", /it is 0/],
    [[...entries("a"), { key: "b", count: 11 }], "invalid-count", /it is 11/],
    [entries("a", ""), "invalid-key", /^invalid sequence key/],
    [entries("a", "a", ""), "invalid-batch", /occurs twice$/],
    [entries("a", "", "a"), "invalid-key", /^invalid sequence key/],
  ] as const;
  for (const [batch, code, message] of rows) {
    await assert.rejects(sequences.takeBatch(batch), { code, message });
  }
  assert.equal(rig.driver.advances.length, 0);
  assert.deepEqual(rig.metrics.observed("tsoracle.get_seq.batch.keys"), []);
  assert.equal((await sequences.takeBatch(entries("c", "b", "a"))).blocks.length, 3);
});

Deno.test("take() and takeBatch() answer not-leader in doubt, and ask no store", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n, () => rig.clock.monotonicMs());
  const { sequences } = rig.oracle;
  const refusal = { code: "not-leader", hint: {} };
  await assert.rejects(sequences.take({ key: "a", count: 1 }), refusal);
  await assert.rejects(sequences.takeBatch([{ key: "a", count: 1 }]), refusal);
  assert.equal(rig.driver.advances.length, 0);
});

Deno.test("take() and takeBatch() say unsupported where the driver has no such method, after all checks", async () => {
  await using rig = await leader({ without: ["advanceDense", "advanceDenseBatch"] });
  const { sequences } = rig.oracle;
  await assert.rejects(sequences.take({ key: "", count: 1 }), { code: "invalid-key" });
  await assert.rejects(sequences.take({ key: "a", count: 1 }), {
    code: "unsupported",
    message: "sequences are not supported by this consensus driver",
  });
  await assert.rejects(sequences.takeBatch([]), { code: "invalid-batch" });
  await assert.rejects(sequences.takeBatch([{ key: "a", count: 1 }]), {
    code: "unsupported",
    message: "sequence batches are not supported by this consensus driver",
  });
  assert.equal(rig.oracle.isServing, true);
});

Deno.test("take() needs no driver with batches, and takeBatch() none with single calls", async () => {
  await using single = await leader({ without: ["advanceDenseBatch", "loadDenseSeq"] });
  assert.equal((await single.oracle.sequences.take({ key: "a", count: 1 })).count, 1);
  await using batch = await leader({ without: ["advanceDense"] });
  assert.equal(
    (await batch.oracle.sequences.takeBatch([{ key: "a", count: 1 }])).blocks.length,
    1,
  );
});

/** Counted unknown outcomes, of single calls and of batches. */
function unknownOutcomes({ metrics }: OracleRig): readonly number[] {
  return [
    metrics.total("tsoracle.get_seq.outcome_unknown.total"),
    metrics.total("tsoracle.get_seq.batch.outcome_unknown.total"),
  ];
}

const OUTCOMES = [
  [new SequenceKeyLimitError(9), "key-limit", true],
  [new SequenceOverflowError("a", 1n, 1), "sequence-overflow", true],
  [new NotLeaderError(), "not-leader", false],
  [new FencedError(5n, 9n), "not-leader", false],
  [new TransientError("no answer"), "outcome-unknown", true],
  [new UnavailableError("the disk hangs"), "unavailable", true],
  [new PermanentError("the disk is gone"), "outcome-unknown", true],
  [new AdvanceOutOfRangeError(2 ** 46), "outcome-unknown", true],
  [new TypeError("a driver's bug"), "outcome-unknown", true],
  ["boom", "outcome-unknown", true],
] as const;
for (const [fault, code, serves] of OUTCOMES) {
  const name = typeof fault === "string" ? "a thrown text" : fault.name;
  for (const how of ["take", "takeBatch"] as const) {
    Deno.test(`${how}() that meets ${name} answers ${code}, and asks once`, async () => {
      await using rig = await leader();
      rig.driver.beforeAdvance = () => {
        throw fault;
      };
      const request = { key: "a", count: 1 };
      const { sequences } = rig.oracle;
      const asked = how === "take" ? sequences.take(request) : sequences.takeBatch([request]);
      await assert.rejects(asked, (error) => {
        assert(error instanceof Error && "code" in error);
        assert.equal(error.code, code);
        if (code === "unavailable") {
          assert.match(error.message, /^nothing was taken: the disk hangs$/);
        }
        if (code === "outcome-unknown") {
          assert.match(
            error.message,
            /^it is not known whether the block was taken: .*another one$/,
          );
          assert.equal(error.cause, fault);
        }
        return true;
      });
      assert.equal(rig.driver.advances.length, 1);
      assert.equal(rig.oracle.isServing, serves);
      assert.equal(rig.metrics.total(NOT_LEADER), serves ? 0 : 1);
      assert.equal(rig.metrics.total("tsoracle.get_seq.success.total"), 0);
      assert.equal(rig.metrics.total("tsoracle.get_seq.batch.success.total"), 0);
      const unknown = code === "outcome-unknown" ? 1 : 0;
      assert.deepEqual(unknownOutcomes(rig), how === "take" ? [unknown, 0] : [0, unknown]);
    });
  }
}

Deno.test("take() that is fenced hints at the epoch that the store holds", async () => {
  await using rig = await leader();
  await rig.driver.persistHighWater(1, 9n);
  await assert.rejects(rig.oracle.sequences.take({ key: "a", count: 1 }), {
    code: "not-leader",
    hint: { leaderEndpoint: undefined, leaderEpoch: 9n },
  });
});

Deno.test("take() of an epoch that has passed does not step the present one down", async () => {
  const gate = new Gate();
  await using rig = await leader();
  rig.driver.beforeAdvance = () => gate.pass();
  const asked = assert.rejects(rig.oracle.sequences.take({ key: "a", count: 1 }), {
    code: "not-leader",
  });
  await settle();
  rig.driver.beforeAdvance = undefined;
  await rig.lead(6n);
  gate.open();
  await asked;
  assert.deepEqual(rig.oracle.state, { kind: "serving", epoch: 6n });
});

Deno.test("take() of a leadership that ends while the driver works does not lose its block", async () => {
  const gate = new Gate();
  await using rig = await leader();
  rig.driver.afterAdvance = () => gate.pass();
  const asked = rig.oracle.sequences.take({ key: "a", count: 4 });
  await settle();
  rig.driver.announce({ kind: "follower", leaderEpoch: 6n });
  await settle();
  assert.equal(rig.oracle.isServing, false);
  gate.open();
  assert.deepEqual(await asked, { key: "a", start: 0n, count: 4, epoch: 5n });
});

Deno.test("take() hands its caller's signal to the driver, and passes its reason on: nothing was taken", async () => {
  const gate = new Gate();
  const gone = new AbortController();
  const reason = new Error("gone");
  await using rig = await leader();
  const { sequences } = rig.oracle;
  rig.driver.beforeAdvance = () => gate.pass();
  const options = { signal: gone.signal };
  const asked = assert.rejects(sequences.take({ key: "a", count: 1 }, options), reason);
  const batch = assert.rejects(sequences.takeBatch([{ key: "a", count: 1 }], options), reason);
  await settle();
  gone.abort(reason);
  gate.open();
  await Promise.all([asked, batch]);
  assert.equal(await rig.driver.loadDenseSeq("a"), 0n);
});

Deno.test("take() whose caller goes after the submission still answers what the driver says", async () => {
  const gate = new Gate();
  const gone = new AbortController();
  await using rig = await leader();
  const { sequences } = rig.oracle;
  rig.driver.afterAdvance = () => gate.pass();
  const asked = sequences.take({ key: "a", count: 1 }, { signal: gone.signal });
  await settle();
  gone.abort(new Error("gone"));
  gate.open();
  assert.equal((await asked).start, 0n);
  const goneLate = new AbortController();
  rig.driver.afterAdvance = () => {
    goneLate.abort(new Error("gone"));
    throw new TransientError("no answer");
  };
  const unknown = sequences.take({ key: "a", count: 1 }, { signal: goneLate.signal });
  await assert.rejects(unknown, { code: "outcome-unknown" });
});

const BROKEN = [
  ["no array", undefined],
  ["too few", []],
  ["too many", [0n, 0n, 0n]],
  ["a number", [0n, 1]],
  ["nothing in the place of a start", [0n, undefined]],
  ["a negative start", [0n, -1n]],
  ["a block beyond the last ordinal", [0n, SEQUENCE_COUNTER_MAX]],
] as const;
for (const [what, starts] of BROKEN) {
  Deno.test(`takeBatch() with a driver that returns ${what} does not believe it: the outcome is unknown`, async () => {
    await using rig = await leader();
    rig.driver.advanceDenseBatch = () => Promise.resolve(starts as readonly bigint[]);
    const batch = [{ key: "a", count: 1 }, { key: "b", count: 1 }];
    await assert.rejects(rig.oracle.sequences.takeBatch(batch), {
      code: "outcome-unknown",
      message: /the driver broke its contract: it returned/,
    });
    assert.deepEqual(unknownOutcomes(rig), [0, 1]);
  });
}

Deno.test("close() lets a sequence call under way finish, and answers it", async () => {
  const gate = new Gate();
  await using rig = await leader();
  rig.driver.afterAdvance = () => gate.pass();
  const asked = rig.oracle.sequences.take({ key: "a", count: 1 });
  await settle();
  let closed = false;
  const closing = rig.oracle.close().finally(() => closed = true);
  await settle();
  assert.equal(closed, false);
  gate.open();
  assert.equal((await asked).start, 0n);
  assert.deepEqual(await closing, { kind: "stopped" });
  await assert.rejects(rig.oracle.sequences.take({ key: "a", count: 1 }), { code: "not-leader" });
});

Deno.test("close() abandons a sequence call that hangs: its outcome is unknown", async () => {
  const gate = new Gate();
  await using rig = await leader({ shutdownGraceMs: 100 });
  rig.driver.afterAdvance = () => gate.pass();
  const asked = assert.rejects(rig.oracle.sequences.take({ key: "a", count: 1 }), {
    code: "outcome-unknown",
  });
  await settle();
  const closing = rig.oracle.close();
  await rig.clock.untilSleeping();
  await rig.clock.advance(100);
  assert.deepEqual(await closing, { kind: "abandoned" });
  await asked;
  gate.open();
});

Deno.test("grants do not wait for a sequence call that hangs, and a fence does not either", async () => {
  const gate = new Gate();
  await using rig = await leader();
  rig.driver.beforeAdvance = () => gate.pass();
  const asked = assert.rejects(rig.oracle.sequences.take({ key: "a", count: 1 }), {
    code: "not-leader",
  });
  assert.equal(rig.grantNow().count, 1);
  await rig.lead(6n);
  gate.open();
  await asked;
});
