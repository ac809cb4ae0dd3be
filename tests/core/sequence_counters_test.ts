// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import fc from "fast-check";
import { SEQUENCE_COUNTER_MAX } from "../../src/core/sequence.ts";
import type { SequenceRequest } from "../../src/core/sequence.ts";
import { SequenceCounters } from "../../src/core/sequence_counters.ts";

const request: fc.Arbitrary<SequenceRequest> = fc.record({
  key: fc.constantFrom("a", "b", "c", "d"),
  count: fc.integer({ min: 1, max: 5 }),
});

Deno.test("SequenceCounters.take() gives each ordinal of a key once, in order and without a gap", () => {
  fc.assert(fc.property(fc.array(fc.array(request, { maxLength: 4 })), (batches) => {
    const counters = new SequenceCounters(10, new Map([["a", 7n]]));
    const next = new Map([["a", 7n]]);
    for (const batch of batches) {
      const outcome = counters.take(batch);
      assert(outcome.kind === "taken");
      batch.forEach(({ key, count }, index) => {
        assert.equal(outcome.starts[index], next.get(key) ?? 0n);
        next.set(key, (next.get(key) ?? 0n) + BigInt(count));
      });
      for (const [key, value] of next) assert.equal(counters.next(key), value);
    }
    assert.equal(counters.size, next.size);
  }));
});

Deno.test("SequenceCounters.take() changes nothing of what it was made from", () => {
  const found = new Map([["a", 7n]]);
  const counters = new SequenceCounters(10, found);
  counters.take([{ key: "a", count: 1 }, { key: "b", count: 2 }]);
  assert.deepEqual([...found], [["a", 7n]]);
  assert.deepEqual([...counters.moved], [["a", 8n], ["b", 2n]]);
});

Deno.test("SequenceCounters.take() refuses a new key at the limit, and no other", () => {
  const counters = new SequenceCounters(2, new Map([["a", 1n]]));
  const limited = { kind: "key-limit", limit: 2 };
  assert.deepEqual(counters.take([{ key: "b", count: 1 }, { key: "c", count: 1 }]), limited);
  assert.equal(counters.size, 1);
  assert.equal(counters.take([{ key: "b", count: 1 }, { key: "b", count: 1 }]).kind, "taken");
  assert.deepEqual(counters.take([{ key: "a", count: 1 }, { key: "c", count: 1 }]), limited);
  assert.equal(counters.take([{ key: "a", count: 1 }]).kind, "taken");
  assert.equal(counters.next("a"), 2n);
});

Deno.test("SequenceCounters.take() uses every key that it found, also beyond the limit", () => {
  const counters = new SequenceCounters(1, new Map([["a", 1n], ["b", 1n]]));
  assert.equal(counters.take([{ key: "a", count: 1 }, { key: "b", count: 1 }]).kind, "taken");
  assert.equal(counters.take([{ key: "c", count: 1 }]).kind, "key-limit");
});

Deno.test("SequenceCounters.take() ends at the counter 2^64 - 1 and moves no key of the batch", () => {
  const counters = new SequenceCounters(10, new Map([["a", SEQUENCE_COUNTER_MAX - 5n]]));
  const overflow = { kind: "overflow", key: "a", next: SEQUENCE_COUNTER_MAX - 5n, count: 6 };
  assert.deepEqual(counters.take([{ key: "b", count: 1 }, { key: "a", count: 6 }]), overflow);
  assert.equal(counters.size, 1);
  assert.equal(counters.next("b"), 0n);
  assert.equal(counters.take([{ key: "a", count: 5 }]).kind, "taken");
  assert.equal(counters.next("a"), SEQUENCE_COUNTER_MAX);
  assert.equal(counters.take([{ key: "a", count: 1 }]).kind, "overflow");
});
