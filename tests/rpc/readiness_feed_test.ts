// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { ReadinessFeed } from "../../src/rpc/readiness_feed.ts";
import { settle } from "../../src/testing/manual_clock.ts";
import { until } from "../net/_support/until.ts";
import { OracleRig } from "../_support/oracle_rig.ts";

const LEADER = { host: "10.0.0.7", port: 50551 };

/** Reads a watch to its end, on the side. */
class Reader {
  readonly said: boolean[] = [];
  readonly end: Promise<string>;
  readonly #stop = new AbortController();

  constructor(feed: ReadinessFeed) {
    this.end = this.#read(feed).then(() => "done", (error: unknown) => String(error));
  }

  /** The client goes. @returns how the watch ended */
  async leave(): Promise<string> {
    this.#stop.abort("gone");
    return await this.end;
  }

  async #read(feed: ReadinessFeed): Promise<void> {
    for await (const ready of feed.watch(this.#stop.signal)) this.said.push(ready);
  }
}

Deno.test("ReadinessFeed.watch() says the present, then each change and nothing else", async () => {
  await using rig = new OracleRig();
  const feed = new ReadinessFeed(rig.oracle);
  const reader = new Reader(feed);
  await settle();
  assert.deepEqual(reader.said, [false]);
  await rig.lead(1n);
  assert.deepEqual(reader.said, [false, true]);
  // A follower that knows the leader is as useful as the leader: no news.
  rig.driver.announce({ kind: "follower", leaderEndpoint: LEADER });
  await settle();
  assert.deepEqual(reader.said, [false, true]);
  rig.driver.announce({ kind: "unknown" });
  await settle();
  rig.driver.announce({ kind: "follower", leaderEpoch: 7n });
  await settle();
  assert.deepEqual(reader.said, [false, true, false]);
  assert.equal(await reader.leave(), "gone");
});

Deno.test("ReadinessFeed.watch() leaves nothing behind when its client has gone", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  const feed = new ReadinessFeed(rig.oracle);
  const readers = Array.from({ length: 20 }, () => new Reader(feed));
  await settle();
  assert.equal(feed.watchers, 20);
  for (const reader of readers) await reader.leave();
  assert.equal(feed.watchers, 0);
  const again = new Reader(feed);
  rig.driver.announce({ kind: "unknown" });
  await settle();
  assert.equal(again.said.at(-1), false, "a later watch follows the oracle again");
  await again.leave();
});

Deno.test("ReadinessFeed.watch() goes on through closing, and says no", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  const closing = new AbortController();
  const feed = new ReadinessFeed(rig.oracle, { closingSignal: closing.signal });
  const reader = new Reader(feed);
  await settle();
  closing.abort();
  await settle();
  assert.deepEqual(reader.said, [true, false]);
  assert.equal(feed.watchers, 1);
  assert.equal(feed.isReady, false);
  await reader.leave();
});

Deno.test("ReadinessFeed.watch() says no and ends when the server drains", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  const drain = new AbortController();
  const feed = new ReadinessFeed(rig.oracle, { drainSignal: drain.signal });
  const early = new Reader(feed);
  await settle();
  drain.abort();
  assert.equal(await early.end, "done");
  assert.deepEqual(early.said, [true, false]);
  const late = new Reader(feed);
  assert.equal(await late.end, "done");
  assert.deepEqual(late.said, [false]);
  assert.equal(feed.watchers, 0);
});

Deno.test("ReadinessFeed.watch() has its last word though its own signal fires with the drain", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  const drain = new AbortController();
  const feed = new ReadinessFeed(rig.oracle, { drainSignal: drain.signal });
  const said: boolean[] = [];
  const read = (async () => {
    for await (const ready of feed.watch(drain.signal)) said.push(ready);
  })();
  await settle();
  drain.abort();
  await read;
  assert.deepEqual(said, [true, false]);
});

Deno.test("ReadinessFeed.watch() has its last word though the server drains while it speaks", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  const drain = new AbortController();
  const feed = new ReadinessFeed(rig.oracle, { drainSignal: drain.signal });
  const watch = feed.watch(new AbortController().signal);
  assert.deepEqual(await watch.next(), { done: false, value: true });
  drain.abort();
  assert.deepEqual(await watch.next(), { done: false, value: false });
  assert.equal((await watch.next()).done, true);
});

Deno.test("ReadinessFeed.watch() sees a certainty that runs out and comes back without an event", async () => {
  await using rig = new OracleRig();
  let certainUntilMs = Infinity;
  await rig.lead(1n, () => certainUntilMs);
  const feed = new ReadinessFeed(rig.oracle, { recheckMs: 1 });
  const reader = new Reader(feed);
  await settle();
  certainUntilMs = -1;
  await until("the doubt", () => reader.said.length === 2);
  certainUntilMs = Infinity;
  await until("the certainty", () => reader.said.length === 3);
  assert.deepEqual(reader.said, [true, false, true]);
  await reader.leave();
});

Deno.test("ReadinessFeed.watch() tells all watchers what one of them has seen", async () => {
  await using rig = new OracleRig();
  let certainUntilMs = Infinity;
  await rig.lead(1n, () => certainUntilMs);
  const feed = new ReadinessFeed(rig.oracle, { recheckMs: 3_600_000 });
  const early = new Reader(feed);
  await settle();
  certainUntilMs = -1;
  const late = new Reader(feed);
  await settle();
  assert.deepEqual([early.said, late.said], [[true, false], [false]]);
  await early.leave();
  await late.leave();
});
