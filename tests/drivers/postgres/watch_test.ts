// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { StandingNews } from "../../../src/drivers/cluster/store.ts";
import type { PostgresStore } from "../../../src/drivers/postgres/store.ts";
import { POSTGRES_MISSING, PostgresServer } from "../../_support/engines/postgres_server.ts";
import { ioTestNeeding } from "../../_support/levels.ts";
import { within } from "../../_support/server_process.ts";
import { testOnOneServer } from "./_support/one_server.ts";
import { CALM, leadingStore, persistently, storeOn, takeLead } from "./_support/store.ts";

/** Longer than any test: a watch that polls this seldom hears only what it is told. */
const NEVER_MS = 3_600_000;
const NEWS_LIMIT_MS = 60_000;

/** Reads a watch item by item; leaving its scope ends the watch. */
class Watching implements AsyncDisposable {
  readonly #end = new AbortController();
  readonly #news: AsyncIterator<StandingNews>;

  constructor(store: PostgresStore) {
    this.#news = store.watchStanding({ signal: this.#end.signal })[Symbol.asyncIterator]();
  }

  async next(): Promise<StandingNews> {
    const item = this.#news.next();
    const { value } = await within(item, NEWS_LIMIT_MS, () => "the watch is silent");
    return value;
  }

  /** Reads on until an item is as wanted. */
  async until(isWanted: (news: StandingNews) => boolean): Promise<StandingNews> {
    for (;;) {
      const news = await this.next();
      if (isWanted(news)) return news;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const last = this.#news.next();
    this.#end.abort(new Error("the test has ended"));
    await assert.rejects(last, /the test has ended/);
  }
}

function isGap(news: StandingNews): boolean {
  return news.kind === "gap";
}

function isTerm(number: bigint): (news: StandingNews) => boolean {
  return (news) =>
    news.kind === "standing" && ((news.standing.term?.epoch ?? 0n) & 0xffffn) === number;
}

testOnOneServer("a watch of PostgresStore", {
  "a watch begins with a gap, and is told of a take-over and of a resignation without a poll":
    async (server, name) => {
      await using store = storeOn(server, { name, pollMs: NEVER_MS });
      await store.prepare(CALM);
      await using watch = new Watching(store);
      assert.equal((await watch.next()).kind, "gap");
      assert.ok(isTerm(0n)(await watch.next()));
      const { epoch } = await takeLead(store);
      assert.ok(isTerm(1n)(await watch.next()));
      await store.resign(epoch, CALM);
      const news = await watch.next();
      assert.ok(news.kind === "standing" && news.standing.resigned);
      await store.restore(5, CALM);
      const restored = await watch.next();
      assert.ok(restored.kind === "standing" && restored.standing.term === undefined);
    },

  "a watch that is told nothing finds heartbeats and take-overs by polling": async (
    server,
    name,
  ) => {
    await using store = await leadingStore(server, { name });
    const { epoch } = store;
    await using watch = new Watching(store);
    assert.equal((await watch.next()).kind, "gap");
    const first = await watch.next();
    assert.ok(first.kind === "standing");
    await store.beat(epoch, CALM);
    const beaten = await watch.next();
    assert.ok(beaten.kind === "standing" && beaten.standing.beat !== first.standing.beat);
    await server.sql("update tsoracle.state set term = term + 1, beat = beat + 1");
    await watch.until(isTerm(2n));
  },

  "a watch of a paused server tells a gap, and goes on after another": async (server, name) => {
    await using store = storeOn(server, { name, watchTimeoutMs: 200 });
    await store.prepare(CALM);
    await using watch = new Watching(store);
    await watch.until(isTerm(0n));
    await server.pause();
    await watch.until(isGap);
    await assert.rejects(store.readStanding({ timeoutMs: 600 }));
    server.resume();
    await watch.until(isGap);
    await persistently(() => takeLead(store));
    await watch.until(isTerm(1n));
  },
});

ioTestNeeding(
  POSTGRES_MISSING,
  "a watch that is lost tells a gap at once, and another when it goes on",
  async () => {
    await using server = await PostgresServer.start();
    await using store = storeOn(server);
    await store.prepare(CALM);
    await using watch = new Watching(store);
    assert.equal((await watch.next()).kind, "gap");
    await watch.until(isTerm(0n));
    await server.killSessions();
    await watch.until(isGap);
    await watch.until(isTerm(0n));
    await server.kill();
    await watch.until(isGap);
    await server.serve();
    await watch.until(isGap);
    await persistently(() => takeLead(store));
    await watch.until(isTerm(1n));
  },
);

const SESSIONS = "from pg_stat_activity where application_name = 'tsoracle'";

ioTestNeeding(
  POSTGRES_MISSING,
  "a store that is watched has every session that leading takes, whether it leads or not",
  async () => {
    await using server = await PostgresServer.start();
    await using store = storeOn(server);
    await store.prepare(CALM);
    assert.equal(await server.sql(`select count(*) ${SESSIONS}`), "1");
    await using watch = new Watching(store);
    await watch.until(isTerm(0n));
    await server.until(`select count(*) ${SESSIONS}`, "6");
  },
);

ioTestNeeding(
  POSTGRES_MISSING,
  "a store that is watched opens idle sessions again that were lost",
  async () => {
    await using server = await PostgresServer.start();
    await using store = storeOn(server, { checkMs: 0 });
    await store.prepare(CALM);
    await using watch = new Watching(store);
    await watch.until(isTerm(0n));
    const reading = watch.until(isTerm(1n));
    reading.catch(() => {});
    await server.until(`select count(*) ${SESSIONS}`, "6");
    const lost = await server.sql(
      `select string_agg(pid::text, ',') ${SESSIONS} and query = 'select'`,
    );
    await server.sql(`select pg_terminate_backend(pid) ${SESSIONS} and pid in (${lost})`);
    await server.until(`select count(*) ${SESSIONS} and pid not in (${lost})`, "6");
    await takeLead(store);
    await reading;
  },
);
