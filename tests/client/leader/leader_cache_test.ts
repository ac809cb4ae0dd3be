// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { LeaderCache } from "../../../src/client/leader/leader_cache.ts";
import type { LeaderClaim } from "../../../src/client/leader/leader_cache.ts";
import { ManualClock } from "../../../src/testing/manual_clock.ts";

function address(name: string, configured = false) {
  return { name, origin: `http://${name}`, tls: undefined, configured };
}

function claim(name: string, epoch: bigint | undefined, source: LeaderClaim["source"] = "hint") {
  return { address: address(name), epoch, source };
}

function cacheWith(known?: LeaderClaim) {
  const clock = new ManualClock();
  const pivots: number[] = [];
  const onPivot = () => void pivots.push(clock.monotonicMs());
  const cache = new LeaderCache({ clock, ttlMs: 30_000, onPivot });
  if (known !== undefined) assert.equal(cache.seat(known), true);
  return { clock, cache, pivots };
}

type Row = readonly [
  known: bigint | undefined,
  incoming: bigint | undefined,
  source: LeaderClaim["source"],
  configured: boolean,
  accepted: boolean,
];

/** The seat rule of behaviour.md 6.6 for another endpoint than the one that is known and fresh. */
const SEATS: readonly Row[] = [
  [5n, 6n, "hint", false, true],
  [5n, 5n, "hint", false, true],
  [5n, 4n, "hint", true, false],
  [5n, 6n, "answer", false, true],
  [5n, 5n, "answer", false, true],
  [5n, 4n, "answer", true, false],
  [5n, undefined, "hint", true, true],
  [5n, undefined, "hint", false, false],
  [5n, undefined, "answer", true, false],
  [undefined, 5n, "hint", false, true],
  [undefined, undefined, "hint", false, true],
  [undefined, 5n, "answer", true, false],
  [undefined, undefined, "answer", true, false],
  [0n, 0n, "answer", false, true],
];

for (const [known, incoming, source, configured, accepted] of SEATS) {
  const what = `epoch ${incoming} of ${configured ? "a configured" : "an unknown"} endpoint`;
  const verb = accepted ? "takes" : "leaves";
  Deno.test(`LeaderCache.seat() ${verb} ${source} of ${what} over epoch ${known}`, () => {
    const { cache, pivots } = cacheWith(claim("a:1", known));
    const incomingClaim = { address: address("b:1", configured), epoch: incoming, source };
    assert.equal(cache.seat(incomingClaim), accepted);
    assert.equal(cache.leader?.name, accepted ? "b:1" : "a:1");
    assert.equal(pivots.length, accepted ? 1 : 0);
  });
}

Deno.test("LeaderCache.seat() takes anything when nothing is known, and that is no pivot", () => {
  for (const source of ["hint", "answer"] as const) {
    for (const epoch of [undefined, 0n, 9n]) {
      const { cache, pivots } = cacheWith(claim("a:1", epoch, source));
      assert.equal(cache.leader?.name, "a:1");
      assert.deepEqual(pivots, []);
    }
  }
});

Deno.test("LeaderCache.seat() keeps the highest epoch of one endpoint", () => {
  for (const epochs of [[5n, 3n], [3n, 5n], [5n, undefined], [undefined, 5n]]) {
    const { cache } = cacheWith(claim("a:1", epochs[0]));
    assert.equal(cache.seat(claim("a:1", epochs[1])), true);
    assert.equal(cache.seat(claim("b:1", 4n)), false);
    assert.equal(cache.seat(claim("b:1", 5n)), true);
  }
});

Deno.test("LeaderCache.leader lives for its time after the last news, on the monotonic clock", async () => {
  const { cache, clock } = cacheWith(claim("a:1", 5n));
  await clock.advance(29_999);
  clock.jumpTo(0);
  assert.equal(cache.leader?.name, "a:1");
  assert.equal(cache.seat(claim("a:1", 5n, "answer")), true);
  await clock.advance(29_999);
  assert.equal(cache.leader?.name, "a:1");
  await clock.advance(1);
  assert.equal(cache.leader, undefined);
});

Deno.test("LeaderCache.seat() takes an older epoch once the one it knew is too old", async () => {
  const { cache, clock, pivots } = cacheWith(claim("a:1", 5n));
  await clock.advance(30_000);
  assert.equal(cache.seat(claim("b:1", 1n)), true);
  assert.deepEqual(pivots, [30_000]);
});

Deno.test("LeaderCache.demote() takes the leader from the front and keeps its epoch", () => {
  const { cache } = cacheWith(claim("a:1", 5n));
  cache.demote(address("b:1"));
  assert.equal(cache.leader?.name, "a:1");
  cache.demote(address("a:1"));
  assert.deepEqual([cache.leader?.name, cache.failed?.name], [undefined, "a:1"]);
  assert.equal(cache.seat(claim("b:1", 4n)), false);
  assert.equal(cache.seat(claim("a:1", 5n)), true);
  assert.deepEqual([cache.leader?.name, cache.failed?.name], ["a:1", undefined]);
});

Deno.test("LeaderCache.seat() takes an answer over a leader without epoch that has failed", () => {
  const { cache } = cacheWith(claim("a:1", undefined));
  assert.equal(cache.seat(claim("b:1", 5n, "answer")), false);
  cache.demote(address("a:1"));
  assert.equal(cache.seat(claim("b:1", 5n, "answer")), true);
});
