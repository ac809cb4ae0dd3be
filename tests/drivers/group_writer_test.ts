// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { SystemClock } from "../../src/clock/system_clock.ts";
import { GroupWriter } from "../../src/drivers/group_writer.ts";
import { settle } from "../../src/testing/manual_clock.ts";

/** A writer whose preparations and writes end when the test says so, and that answers with the request. */
class Rig {
  readonly ended = new AbortController();
  readonly groups: (readonly number[])[] = [];
  prepared: Promise<void> = Promise.resolve();
  written: Promise<void> = Promise.resolve();
  readonly writer: GroupWriter<number, number>;

  constructor(deadlineMs = 60_000) {
    this.writer = new GroupWriter({
      prepare: () => this.prepared,
      write: async (requests) => {
        this.groups.push(requests);
        await this.written;
        return requests.map((value) => ({ status: "fulfilled", value }));
      },
      late: (begun) => new Error(begun ? "late" : "late, not begun"),
      deadlineMs,
      clock: new SystemClock(),
      ended: this.ended.signal,
    });
  }

  submit(request: number, signal?: AbortSignal): Promise<number> {
    return this.writer.submit(request, signal);
  }
}

/** The promise that a call did nothing, because of an error with this message. */
function nothingDone(cause: string) {
  return { code: "unavailable", message: `${cause}; this call wrote nothing` };
}

Deno.test("GroupWriter answers the calls of one turn by one write, in their order", async () => {
  const rig = new Rig();
  assert.deepEqual(await Promise.all([rig.submit(1), rig.submit(2), rig.submit(3)]), [1, 2, 3]);
  assert.deepEqual(rig.groups, [[1, 2, 3]]);
  assert.equal(await rig.submit(4), 4);
  assert.deepEqual(rig.groups, [[1, 2, 3], [4]]);
});

Deno.test("GroupWriter takes calls into a group until its preparation is done", async () => {
  const rig = new Rig();
  const prepared = Promise.withResolvers<void>();
  rig.prepared = prepared.promise;
  const stop = new AbortController();
  const first = rig.submit(1);
  const gone = assert.rejects(rig.submit(2, stop.signal), /enough/);
  await settle();
  const last = rig.submit(3);
  stop.abort(new Error("enough"));
  await gone;
  prepared.resolve();
  await Promise.all([first, last]);
  assert.deepEqual(rig.groups, [[1, 3]]);
});

Deno.test("GroupWriter begins no write when everybody has left", async () => {
  const rig = new Rig();
  const stop = new AbortController();
  const gone = assert.rejects(rig.submit(1, stop.signal), /enough/);
  stop.abort(new Error("enough"));
  await gone;
  await rig.writer.idle();
  assert.deepEqual(rig.groups, []);
  assert.equal(await rig.submit(2), 2);
});

Deno.test("GroupWriter whose preparation fails refuses those who wait, and tries again for the next", async () => {
  const rig = new Rig();
  rig.prepared = Promise.reject(new Error("unreadable"));
  const outcomes = await Promise.allSettled([rig.submit(1), rig.submit(2)]);
  assert.deepEqual(outcomes.map(({ status }) => status), ["rejected", "rejected"]);
  assert.deepEqual(rig.groups, []);
  rig.prepared = Promise.resolve();
  assert.equal(await rig.submit(3), 3);
});

Deno.test("GroupWriter whose write fails gives all of the group its reason, and goes on", async () => {
  const rig = new Rig();
  rig.written = Promise.reject(new Error("disk"));
  await Promise.all([
    assert.rejects(rig.submit(1), /disk/),
    assert.rejects(rig.submit(2), /disk/),
  ]);
  rig.written = Promise.resolve();
  assert.equal(await rig.submit(3), 3);
});

Deno.test("GroupWriter ends late calls, and leaves those out whose write had not begun", async () => {
  const rig = new Rig(1);
  const written = Promise.withResolvers<void>();
  rig.written = written.promise;
  const late = assert.rejects(rig.submit(1), /^Error: late$/);
  await settle();
  await Promise.all([late, assert.rejects(rig.submit(2), nothingDone("late, not begun"))]);
  written.resolve();
  await rig.writer.idle();
  assert.deepEqual(rig.groups, [[1]]);
});

Deno.test("GroupWriter that has ended finishes its write and refuses all others", async () => {
  const rig = new Rig();
  const written = Promise.withResolvers<void>();
  rig.written = written.promise;
  const inFlight = rig.submit(1);
  await settle();
  const behind = assert.rejects(rig.submit(2), nothingDone("over"));
  rig.ended.abort(new Error("over"));
  await behind;
  await assert.rejects(rig.submit(3), nothingDone("over"));
  written.resolve();
  assert.equal(await inFlight, 1);
  await rig.writer.idle();
  assert.deepEqual(rig.groups, [[1]]);
});

Deno.test("GroupWriter leaves no listener on a signal, however its call ends", async () => {
  const rig = new Rig();
  const { signal } = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners++;
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners--;
    removeEventListener.apply(signal, args);
  };
  const calls = Array.from({ length: 30 }, (_, call) => rig.submit(call, signal));
  assert.equal(listeners, 1, "Node 20 warns of a leak at the eleventh");
  await Promise.all(calls);
  assert.equal(listeners, 0);
  rig.written = Promise.reject(new Error("disk"));
  await assert.rejects(rig.submit(2, signal), /disk/);
  assert.equal(listeners, 0);
});
