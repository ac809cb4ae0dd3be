// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { TransientError, UnavailableError } from "../../../src/consensus/errors.ts";
import { POSTGRES_MISSING, PostgresServer } from "../../_support/engines/postgres_server.ts";
import { ioTestNeeding } from "../../_support/levels.ts";
import { testOnOneServer } from "./_support/one_server.ts";
import { BRIEF, CALM, leadingStore, persistently } from "./_support/store.ts";

/** Who holds a lock sleeps; its statement is seen before it has taken the lock. */
const LOCK_IS_HELD = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'";

testOnOneServer("PostgresStore through faults that pass", {
  "a paused server: each call settles by its deadline, and later ones succeed": async (
    server,
    name,
  ) => {
    await using store = await leadingStore(server, { name });
    const { epoch } = store;
    await server.pause();
    await assert.rejects(store.beat(epoch, BRIEF), TransientError);
    await assert.rejects(store.beat(epoch, BRIEF), UnavailableError);
    await assert.rejects(store.readSequences(BRIEF), UnavailableError);
    const both = Promise.allSettled([store.readStanding(BRIEF), store.readStanding(BRIEF)]);
    for (const { status } of await both) assert.equal(status, "rejected");
    server.resume();
    await persistently(() => store.beat(epoch, CALM));
    assert.equal((await persistently(() => store.readStanding(CALM))).term?.epoch, epoch);
  },

  "a caller that stops waiting gets the reason of its signal, and the write goes on": async (
    server,
    name,
  ) => {
    await using store = await leadingStore(server, { name });
    const { epoch } = store;
    await store.persistHighWater(1, epoch, CALM);
    await server.pause();
    const caller = new AbortController();
    const options = { ...CALM, signal: caller.signal };
    const write = store.persistHighWater(5, epoch, options);
    const waiting = store.persistHighWater(6, epoch, options);
    // The first is sent, the second waits for it.
    await new Promise((resolve) => setTimeout(resolve, 20));
    const reason = new Error("the caller has left");
    caller.abort(reason);
    await assert.rejects(write, reason);
    await assert.rejects(waiting, reason);
    await assert.rejects(store.persistHighWater(7, epoch, options), reason);
    server.resume();
    assert.equal(await store.persistHighWater(0, epoch, CALM), 5);
  },

  "a write of unknown outcome is recognised by its operation, and repeated only if it was not made":
    async (server, name) => {
      await using store = await leadingStore(server, { name });
      const { epoch } = store;
      let next = 0n;
      for (let round = 0; round < 6; round++) {
        const { version } = await persistently(() => store.readSequences(CALM));
        next += 5n;
        const moved = new Map([["key", next]]);
        const write = { version, operationId: `write ${round}`, moved, counters: moved };
        if (round % 2 === 0) await server.pause();
        const limits = round % 2 === 0 ? { timeoutMs: 100 } : CALM;
        const sent = store.writeSequences(write, epoch, limits);
        if (round % 2 === 1) await server.killSessions();
        await sent.catch((error) => assert.ok(error instanceof TransientError, error));
        server.resume();
        const outcome = await persistently(() => store.writeSequences(write, epoch, CALM));
        const found = await persistently(() => store.readSequences(CALM));
        if (outcome.kind === "conflict") assert.equal(found.operationId, write.operationId);
        assert.equal(found.counters.get("key"), next);
        assert.equal(found.version, String(BigInt(version) + 1n));
      }
    },

  "a row that somebody keeps locked costs calls their deadline and leaves no crowd behind": async (
    server,
    name,
  ) => {
    await using store = await leadingStore(server, { name });
    const { epoch } = store;
    await server.killSessions();
    const locked = server.sql("begin; select from tsoracle.state for update; select pg_sleep(600)");
    await server.until(LOCK_IS_HELD, "1");
    for (let beats = 0; beats < 5; beats++) {
      await assert.rejects(
        store.beat(epoch, { timeoutMs: 200 }),
        (error) => error instanceof TransientError || error instanceof UnavailableError,
      );
    }
    await server.until("select count(*) from pg_locks where not granted", "0");
    const [ended] = await Promise.allSettled([locked, server.killSessions()]);
    assert.equal(ended.status, "rejected");
    await persistently(() => store.beat(epoch, CALM));
  },

  "a call that gave up waiting does not let the next one pass those that it waited for": async (
    server,
    name,
  ) => {
    await using store = await leadingStore(server, { name });
    const { epoch } = store;
    const locked = server.sql("begin; select from tsoracle.state for update; select pg_sleep(600)");
    await server.until(LOCK_IS_HELD, "1");
    const first = store.persistHighWater(1, epoch, CALM);
    await server.until("select count(*) > 0 from pg_locks where not granted", "t");
    await assert.rejects(store.persistHighWater(2, epoch, { timeoutMs: 50 }), UnavailableError);
    await assert.rejects(store.persistHighWater(3, epoch, { timeoutMs: 50 }), UnavailableError);
    const sleeper = "query ~ '^begin; select' and pid <> pg_backend_pid()";
    const unlocked = server.sql(
      `select pg_terminate_backend(pid) from pg_stat_activity where ${sleeper}`,
    );
    await Promise.allSettled([locked, unlocked]);
    assert.equal(await first, 1);
  },

  "a heartbeat, a read and a persist wait for no other data": async (server, name) => {
    await using store = await leadingStore(server, { name });
    const { epoch } = store;
    const locked = server.sql("begin; lock table tsoracle.sequence; select pg_sleep(600)");
    await server.until(LOCK_IS_HELD, "1");
    const blocked = Promise.allSettled([store.readSequences(CALM)]);
    await server.until("select count(*) from pg_locks where not granted", "1");
    await store.beat(epoch, CALM);
    assert.equal((await store.readStanding(CALM)).term?.epoch, epoch);
    assert.equal(await store.persistHighWater(7, epoch, CALM), 7);
    assert.deepEqual((await store.readLeases(CALM)).leases, []);
    await Promise.allSettled([locked, server.killSessions(), blocked]);
  },

  "a closed store fails what is under way, and every later call": async (server, name) => {
    const store = await leadingStore(server, { name });
    const { epoch } = store;
    await server.pause();
    const pending = Promise.allSettled([store.beat(epoch, CALM), store.readSequences(CALM)]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await Promise.all([store.close(), store.close()]);
    for (const { status } of await pending) assert.equal(status, "rejected");
    server.resume();
    await assert.rejects(store.readStanding(CALM), UnavailableError);
  },
});

ioTestNeeding(
  POSTGRES_MISSING,
  "killed sessions, a killed server and a restarted one are survived without losing what was acknowledged",
  async () => {
    await using server = await PostgresServer.start();
    await using store = await leadingStore(server);
    const { epoch } = store;
    await store.persistHighWater(1_000, epoch, CALM);
    await server.killSessions();
    assert.equal(await persistently(() => store.persistHighWater(2_000, epoch, CALM)), 2_000);
    await server.killPostmaster();
    await assert.rejects(store.readStanding(BRIEF), (error) => error instanceof Error);
    await assert.rejects(store.readStanding(BRIEF), UnavailableError);
    await server.serve();
    assert.equal(await persistently(() => store.loadHighWater(CALM)), 2_000);
    await server.stop();
    await server.serve();
    await persistently(() => store.beat(epoch, CALM));
    assert.equal((await persistently(() => store.readStanding(CALM))).term?.epoch, epoch);
  },
);
