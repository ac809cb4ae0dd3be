// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { LeadershipEvent } from "../../src/consensus/driver.ts";
import { EventCursor } from "../../src/server/event_cursor.ts";
import { settle } from "../../src/testing/manual_clock.ts";

/** A stream whose `next()` calls are settled by hand. */
class HandStream implements AsyncIterable<LeadershipEvent> {
  readonly calls: PromiseWithResolvers<IteratorResult<LeadershipEvent>>[] = [];

  [Symbol.asyncIterator](): AsyncIterator<LeadershipEvent> {
    return {
      next: () => {
        const call = Promise.withResolvers<IteratorResult<LeadershipEvent>>();
        this.calls.push(call);
        return call.promise;
      },
    };
  }

  yield(event: LeadershipEvent): void {
    this.calls.at(-1)?.resolve({ done: false, value: event });
  }
}

const UNKNOWN: LeadershipEvent = { kind: "unknown" };

Deno.test("EventCursor keeps the one pending next() over any number of waits", async () => {
  const stream = new HandStream();
  const stop = new AbortController();
  const cursor = new EventCursor(stream, stop.signal);
  const waits = Array.from({ length: 10 }, () => cursor.wait());
  assert.equal(stream.calls.length, 1);
  stream.yield(UNKNOWN);
  assert.deepEqual(new Set(await Promise.all(waits)), new Set(["ready"]));
  assert.deepEqual(cursor.ready, { kind: "event", event: UNKNOWN });
  assert.deepEqual(cursor.take(), { kind: "event", event: UNKNOWN });
  assert.equal(stream.calls.length, 2);
  assert.equal(cursor.ready, undefined);
});

Deno.test("EventCursor.wait() prefers the stop over an item that is ready", async () => {
  const stream = new HandStream();
  const stop = new AbortController();
  const cursor = new EventCursor(stream, stop.signal);
  stream.yield(UNKNOWN);
  await settle();
  stop.abort();
  assert.equal(await cursor.wait(), "stopped");
});

Deno.test("EventCursor.take() under a stop leaves a cursor that says stopped at once", async () => {
  const stream = new HandStream();
  const stop = new AbortController();
  const cursor = new EventCursor(stream, stop.signal);
  stream.yield(UNKNOWN);
  await settle();
  stop.abort();
  cursor.take();
  assert.equal(cursor.wake.aborted, true);
  assert.equal(await cursor.wait(), "stopped");
});

Deno.test("EventCursor reports an end and a fault and asks for nothing after it", async () => {
  const stop = new AbortController();
  const ended = new HandStream();
  const failed = new HandStream();
  const cursors = [ended, failed].map((stream) => new EventCursor(stream, stop.signal));
  ended.calls[0]?.resolve({ done: true, value: undefined });
  const error = new Error("broken");
  failed.calls[0]?.reject(error);
  await settle();
  assert.deepEqual(cursors.map((cursor) => cursor.take()), [
    { kind: "ended" },
    { kind: "failed", error },
  ]);
  assert.deepEqual([ended.calls.length, failed.calls.length], [1, 1]);
});

Deno.test("EventCursor turns a next() that throws into a fault", async () => {
  const stop = new AbortController();
  const error = new Error("thrown, not rejected");
  const cursor = new EventCursor({
    [Symbol.asyncIterator]: () => ({
      next: () => {
        throw error;
      },
    }),
  }, stop.signal);
  assert.equal(await cursor.wait(), "ready");
  assert.deepEqual(cursor.take(), { kind: "failed", error });
});

Deno.test("EventCursor.take() throws when nothing is ready", () => {
  const cursor = new EventCursor(new HandStream(), new AbortController().signal);
  assert.throws(() => cursor.take(), TypeError);
});
