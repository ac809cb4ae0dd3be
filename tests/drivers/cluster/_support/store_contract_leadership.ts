// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { UINT64_MAX } from "../../../../src/core/integer_limits.ts";
import type { ClusterStore, StandingNews } from "../../../../src/drivers/cluster/store.ts";
import type { StoreCase } from "./store_contract.ts";
import {
  assertFenced,
  CALL,
  claimOf,
  contentOf,
  lead,
  takeOver,
  termOf,
  writesUnder,
} from "./store_contract_calls.ts";

const HALF_BITS = 64n;

/** The promises about terms, heartbeats, resignations, fences and the watch. */
export const LEADERSHIP_CASES: readonly StoreCase[] = [
  {
    title: "begins a term that all nodes see, with the incarnation in its upper half",
    run: async ({ store, other }) => {
      const before = await store.readStanding(CALL);
      assert.equal(before.term, undefined);
      assert.equal(before.resigned, false);
      const claim = claimOf(1);
      const after = await store.takeOver(before, claim, CALL);
      assert(after !== undefined);
      const { epoch, claimId, endpoint } = termOf(after);
      assert.deepEqual({ id: claimId, endpoint }, claim);
      assert.equal(epoch >> HALF_BITS, after.incarnation);
      assert.equal(after.resigned, false);
      assert.deepEqual(await other.readStanding(CALL), after);
    },
  },
  {
    title: "gives a term to one of several that saw the same",
    run: async ({ store, other }) => {
      const seen = await store.readStanding(CALL);
      const stores = [store, other, store, other];
      const claims = stores.map((_, node) => claimOf(node));
      const outcomes = await Promise.all(
        stores.map((each, index) => each.takeOver(seen, claims[index] ?? claimOf(0), CALL)),
      );
      const winners = outcomes.filter((outcome) => outcome !== undefined);
      assert.equal(winners.length, 1);
      assert.deepEqual(await other.readStanding(CALL), winners[0]);
    },
  },
  {
    title: "refuses to take over from a leader that has sent a heartbeat since",
    run: async ({ store, other }) => {
      const first = await takeOver(store, await store.readStanding(CALL));
      const { epoch } = termOf(first);
      await store.beat(epoch, CALL);
      const beaten = await other.readStanding(CALL);
      assert.notEqual(beaten.beat, first.beat);
      assert.deepEqual(beaten.term, first.term);
      assert.equal(await other.takeOver(first, claimOf(2), CALL), undefined);
      assert.deepEqual(await other.readStanding(CALL), beaten);
      const second = await takeOver(other, beaten, 2);
      assert(termOf(second).epoch > epoch);
      assert.notEqual(second.beat, beaten.beat);
    },
  },
  {
    title: "never gives two heartbeats the same mark",
    run: async ({ store }) => {
      const { epoch } = await lead(store);
      const marks = new Set([(await store.readStanding(CALL)).beat]);
      for (let beats = 0; beats < 5; beats++) {
        await store.beat(epoch, CALL);
        marks.add((await store.readStanding(CALL)).beat);
      }
      assert.equal(marks.size, 6);
    },
  },
  {
    title: "lets a resigned term be followed at once, and no heartbeat undoes that",
    run: async ({ store, other }) => {
      const { epoch } = await lead(store);
      await store.resign(epoch, CALL);
      const resigned = await other.readStanding(CALL);
      assert.equal(resigned.resigned, true);
      assert.equal(termOf(resigned).epoch, epoch);
      await store.beat(epoch, CALL).catch(() => {});
      assert.equal((await other.readStanding(CALL)).resigned, true);
      const next = await takeOver(other, resigned, 2);
      assert(termOf(next).epoch > epoch);
      assert.equal(next.resigned, false);
    },
  },
  {
    title: "gives a resigned term to one successor only",
    run: async ({ store, other }) => {
      await store.resign((await lead(store)).epoch, CALL);
      const seen = await store.readStanding(CALL);
      const next = await takeOver(other, seen, 2);
      assert.equal(await store.takeOver(seen, claimOf(1), CALL), undefined);
      assert.deepEqual(await store.readStanding(CALL), next);
    },
  },
  {
    title: "ignores the resignation of a term that is over",
    run: async ({ store, other }) => {
      const { epoch } = await lead(store);
      const next = await takeOver(other, await other.readStanding(CALL), 2);
      await store.resign(epoch, CALL);
      await store.resign(epoch + (1n << HALF_BITS), CALL);
      assert.deepEqual(await other.readStanding(CALL), next);
    },
  },
  {
    title: "fences every write while nobody has led",
    run: async ({ store }) => await assertAllFenced(store, 0n),
  },
  {
    title: "fences every write of a term that is over, from any node",
    run: async ({ store, other }) => {
      const { epoch } = await lead(store);
      await lead(other, 2);
      await assertAllFenced(store, epoch);
      await assertAllFenced(other, epoch);
    },
  },
  {
    title: "fences by both halves of the epoch",
    run: async ({ store }) => {
      const { epoch } = await lead(store);
      await assertAllFenced(store, epoch + (1n << HALF_BITS));
      await assertAllFenced(store, epoch + 1n);
      await assertAllFenced(store, (UINT64_MAX << HALF_BITS) | (epoch & UINT64_MAX));
      await store.restore(0, CALL);
      const later = await lead(store);
      await assertAllFenced(store, later.epoch & UINT64_MAX);
    },
  },
  {
    title: "begins a watch with a gap, and then brings what happens",
    run: async ({ store, other }) => {
      await withWatch(store, async (next) => {
        const seen = await store.readStanding(CALL);
        const begun = await takeOver(other, seen, 2);
        const { epoch } = termOf(begun);
        await next((news) => isStanding(news) && news.standing.term?.epoch === epoch);
        await other.beat(epoch, CALL);
        const { beat } = await other.readStanding(CALL);
        await next((news) => isStanding(news) && news.standing.beat === beat);
        await other.resign(epoch, CALL);
        await next((news) => isStanding(news) && news.standing.resigned);
        const { epoch: later } = termOf(await takeOver(store, await store.readStanding(CALL)));
        const news = await next((news) => isStanding(news) && news.standing.term?.epoch === later);
        assert(isStanding(news));
        assert.deepEqual(news.standing, await store.readStanding(CALL));
      });
    },
  },
  {
    title: "ends a watch by its signal, with the signal's reason",
    run: async ({ store }) => {
      const stop = new AbortController();
      const watch = store.watchStanding({ signal: stop.signal })[Symbol.asyncIterator]();
      assert.equal((await watch.next()).value.kind, "gap");
      const pending = assert.rejects(async () => {
        for (;;) await watch.next();
      }, /enough/);
      stop.abort(new Error("enough"));
      await pending;
    },
  },
];

async function assertAllFenced(store: ClusterStore, epoch: bigint): Promise<void> {
  const before = await contentOf(store);
  for (const [name, write] of Object.entries(await writesUnder(store, epoch))) {
    await assertFenced(write());
    assert.deepEqual(await contentOf(store), before, `${name} changed something`);
  }
}

type IsWanted = (news: StandingNews) => boolean;

/** Runs with a watch that has begun. `next` skips news until one is wanted. */
async function withWatch(
  store: ClusterStore,
  run: (next: (isWanted: IsWanted) => Promise<StandingNews>) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const watch = store.watchStanding({ signal: stop.signal })[Symbol.asyncIterator]();
  const next = async (isWanted: IsWanted) => {
    for (;;) {
      const { value, done } = await watch.next();
      assert(!done, "the watch has ended");
      if (isWanted(value)) return value;
    }
  };
  try {
    const first = (await watch.next()).value;
    assert.equal(first.kind, "gap");
    await run(next);
  } finally {
    const ended = watch.next().then(() => {}, () => {});
    stop.abort();
    await ended;
  }
}

function isStanding(news: StandingNews): news is Extract<StandingNews, { kind: "standing" }> {
  return news.kind === "standing";
}
