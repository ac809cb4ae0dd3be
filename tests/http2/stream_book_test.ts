// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import fc from "fast-check";
import type { Stream } from "../../src/http2/stream.ts";
import { StreamBook } from "../../src/http2/stream_book.ts";
import { scaled } from "../_support/levels.ts";

function streamOf(id: number): Stream {
  return { id } as Stream;
}

/** What happens next: a stream is opened, after some that were skipped, or one that is open ends in a way. */
const EVENTS = fc.array(
  fc.oneof(
    fc.record({ skip: fc.constantFrom(0, 0, 0, 2, 254) }),
    fc.record({ pick: fc.nat(), end: fc.constantFrom("complete", "here", "there") }),
  ),
  { maxLength: 120 },
);

Deno.test("StreamBook knows the open streams, and how the others ended", () => {
  const property = fc.property(EVENTS, (events) => {
    const book = new StreamBook();
    const open: number[] = [];
    const ends = new Map<number, string>();
    for (const event of events) {
      if ("skip" in event) {
        const id = book.lastId + (book.lastId === 0 ? 1 : 2) + event.skip;
        for (let skipped = id - event.skip; skipped < id; skipped += 2) {
          ends.set(skipped, "forgotten");
        }
        book.use(id);
        book.add(streamOf(id));
        open.push(id);
      } else if (open.length > 0) {
        const [id = 0] = open.splice(event.pick % open.length, 1);
        if (event.end === "here") book.noteReset(id);
        if (event.end === "there") book.notePeerReset(id);
        book.remove(id);
        ends.set(
          id,
          {
            complete: "complete",
            here: "reset by this side",
            there: "reset by the peer",
          }[event.end] ?? "",
        );
      }
      assert.deepEqual(book.all().map(({ id }) => id), open);
      assert.equal(book.size, open.length);
    }
    for (const id of open) assert.equal(book.get(id)?.id, id);
    for (const [id, end] of ends) {
      assert.equal(book.get(id), undefined);
      assert.equal(book.endOf(id), end, `stream ${id}`);
    }
    assert(book.isIdle(book.lastId + 2));
  });
  fc.assert(property, { numRuns: scaled(200, 20_000) });
});

Deno.test("StreamBook forgets how streams ended that ended out of order long ago", () => {
  const book = new StreamBook();
  for (let id = 1; id < 4_000; id += 4) {
    book.use(id);
    book.add(streamOf(id));
    book.remove(id);
  }
  assert.equal(book.endOf(1), "forgotten");
  assert.equal(book.endOf(3), "forgotten");
  assert.equal(book.endOf(3_997), "complete");
  assert.equal(book.endOf(3_997 - 4 * 256), "complete");
});

for (const runs of [255, 256, 257]) {
  Deno.test(`StreamBook remembers the last 256 of ${runs} runs of resets, however long the last one is`, () => {
    const book = new StreamBook();
    const reset = (id: number) => {
      book.use(id);
      book.noteReset(id);
    };
    const lastRun = 4 * (runs - 1) + 1;
    for (let id = 1; id <= lastRun; id += 4) reset(id);
    for (let id = lastRun + 2; id < lastRun + 2_000; id += 2) reset(id);
    const firstKept = Math.max(0, runs - 256) * 4 + 1;
    for (let id = 1; id <= book.lastId; id += 2) {
      const isReset = id >= lastRun || (id >= firstKept && id % 4 === 1);
      assert.equal(book.endOf(id) === "reset by this side", isReset, `stream ${id}`);
    }
  });
}
