// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { scaled } from "../_support/levels.ts";
import { FLAG, frame, openStream, TYPE } from "../net/_support/h2_frames.ts";
import { MemoryClient } from "./_support/memory_client.ts";

const PADDED = 8;

/** A request: its path, where its header block is divided, how its body is padded, and what that is. */
const REQUESTS = fc.array(
  fc.record({
    path: fc.constantFrom("/", "/a", "/longer/than/that"),
    dividedAt: fc.nat(60),
    padBytes: fc.nat(5),
    body: fc.uint8Array({ maxLength: 8 }),
  }),
  { maxLength: 4 },
);

/** A client: its requests, and where a read ends, in bytes. What it sends last may break its connection. */
const CLIENTS = fc.record({
  requests: REQUESTS,
  cuts: fc.array(fc.nat(500), { maxLength: 12 }),
  last: fc.constantFrom("", "", "no frame of HTTP/2"),
});

type RequestPlan = typeof REQUESTS extends fc.Arbitrary<(infer T)[]> ? T : never;
type ClientPlan = typeof CLIENTS extends fc.Arbitrary<infer T> ? T : never;

function requestOf({ path, dividedAt, padBytes, body }: RequestPlan, i: number): Buffer {
  const stream = 2 * i + 1;
  const block = openStream(stream, path).subarray(9);
  const padded = Buffer.concat([Buffer.of(padBytes), body, Buffer.alloc(padBytes)]);
  return Buffer.concat([
    frame(TYPE.headers, 0, stream, block.subarray(0, dividedAt)),
    frame(TYPE.continuation, FLAG.endHeaders, stream, block.subarray(dividedAt)),
    frame(TYPE.data, PADDED | FLAG.endStream, stream, padded),
  ]);
}

/** What the client sends, by reads. */
function readsOf({ requests, cuts, last }: ClientPlan): readonly Buffer[] {
  const bytes = Buffer.concat([...requests.map(requestOf), Buffer.from(last)]);
  const ends = cuts.map((at) => at % (bytes.length + 1)).sort((a, b) => a - b);
  return [...ends, bytes.length].map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
}

Deno.test("connections whose reads alternate are answered as if each were the only one", () => {
  const property = fc.property(CLIENTS, CLIENTS, fc.array(fc.boolean()), (one, other, turns) => {
    using alone = MemoryClient.greeted();
    using first = MemoryClient.greeted();
    using second = MemoryClient.greeted();
    const reads = [...readsOf(one)];
    const others = [...readsOf(other)];
    while (reads.length > 0) {
      if (turns.pop() ?? true) first.send(reads.shift() ?? Buffer.alloc(0));
      else second.send(others.shift() ?? Buffer.alloc(0));
    }
    readsOf(one).forEach((read) => alone.send(read));
    assert.deepEqual(first.received, alone.received);
    assert.deepEqual(first.faults, []);
    one.requests.forEach(({ body }, i) => {
      const expected = body.length === 0 ? "hello" : Buffer.from(body).toString("latin1");
      assert.equal(first.bodyOf(2 * i + 1), expected);
    });
  });
  fc.assert(property, { numRuns: scaled(300, 30_000) });
});
