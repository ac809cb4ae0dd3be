// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { EventFeed } from "../../../src/drivers/cluster/event_feed.ts";
import { settle } from "../../../src/testing/manual_clock.ts";

function open() {
  const feed = new EventFeed();
  const stop = new AbortController();
  const events = feed.read(stop.signal);
  return { feed, stop, events };
}

Deno.test("EventFeed has unknown ready before anything is reported", async () => {
  const { events } = open();
  assert.deepEqual((await events.next()).value, { kind: "unknown" });
});

Deno.test("EventFeed brings a report to a consumer that waits", async () => {
  const { feed, events } = open();
  await events.next();
  const next = events.next();
  await settle();
  const event = { kind: "leader", epoch: 4n } as const;
  feed.push(event);
  assert.equal((await next).value, event);
});

Deno.test("EventFeed brings the latest of several reports, as each is a state", async () => {
  const { feed, events } = open();
  await events.next();
  feed.push({ kind: "leader", epoch: 4n });
  feed.push({ kind: "unknown" });
  feed.push({ kind: "follower", leaderEpoch: 5n });
  assert.deepEqual((await events.next()).value, { kind: "follower", leaderEpoch: 5n });
});

Deno.test("EventFeed leaves out what says nothing new, and nothing else", async () => {
  const { feed, events } = open();
  const reports = [
    { kind: "follower", leaderEpoch: 5n, leaderEndpoint: { host: "a", port: 1 } },
    { kind: "follower", leaderEpoch: 5n, leaderEndpoint: { host: "b", port: 1 } },
    { kind: "follower", leaderEpoch: 5n, leaderEndpoint: { host: "b", port: 2 } },
    { kind: "follower", leaderEpoch: 6n, leaderEndpoint: { host: "b", port: 2 } },
    { kind: "follower", leaderEpoch: 6n },
    { kind: "leader", epoch: 7n },
    { kind: "leader", epoch: 8n },
    { kind: "unknown" },
  ] as const;
  await events.next();
  for (const report of reports) {
    feed.push(report);
    assert.equal((await events.next()).value, report);
    feed.push({ ...report });
  }
  const next = events.next();
  await settle();
  feed.push({ kind: "leader", epoch: 9n });
  assert.deepEqual((await next).value, { kind: "leader", epoch: 9n });
});

Deno.test("EventFeed ends by its signal, with the reason, and at once", async () => {
  const { stop, events } = open();
  await events.next();
  const next = assert.rejects(events.next(), /enough/);
  stop.abort(new Error("enough"));
  await next;
  assert.deepEqual(await events.next(), { done: true, value: undefined });
});

Deno.test("EventFeed says what is known before it fails", async () => {
  const { feed, events } = open();
  feed.push({ kind: "leader", epoch: 4n });
  feed.fail(new Error("lost"));
  feed.fail(new Error("lost again"));
  assert.deepEqual((await events.next()).value, { kind: "leader", epoch: 4n });
  await assert.rejects(events.next(), /^Error: lost$/);
});

Deno.test("EventFeed fails a consumer that waits", async () => {
  const { feed, events } = open();
  await events.next();
  const next = assert.rejects(events.next(), /lost/);
  await settle();
  feed.fail(new Error("lost"));
  await next;
});
