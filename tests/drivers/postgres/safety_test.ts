// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { PermanentError, TransientError, UnavailableError } from "../../../src/consensus/errors.ts";
import { POSTGRES_MISSING, PostgresServer } from "../../_support/engines/postgres_server.ts";
import { ioTestNeeding } from "../../_support/levels.ts";
import { within } from "../../_support/server_process.ts";
import { BRIEF, CALM, leadingStore, persistently, storeOn, takeLead } from "./_support/store.ts";
import type { StoreChoices } from "./_support/store.ts";
import { synchronousReplica } from "./_support/synchronous_replica.ts";

const LIMIT_MS = 60_000;

/** A permanent error whose message has all the words. */
function refusal(...words: readonly RegExp[]): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof PermanentError, String(error));
    for (const word of words) assert.match(error.message, word);
    return true;
  };
}

/** Prepares a store of its own, so that its sessions begin after the settings were made. */
async function prepare(server: PostgresServer, choices: StoreChoices = {}): Promise<void> {
  await using store = storeOn(server, choices);
  await store.prepare(CALM);
}

/** Opens a session and writes nothing: a commit would wait for replicas that are away. */
async function read(server: PostgresServer, choices: StoreChoices = {}): Promise<void> {
  await using store = storeOn(server, choices);
  await store.readStanding(CALM);
}

ioTestNeeding(POSTGRES_MISSING, "a server with fsync off is refused", async () => {
  await using server = await PostgresServer.start({ settings: { fsync: "off" } });
  await assert.rejects(prepare(server), refusal(/'fsync' must be on: current value is off/));
});

ioTestNeeding(
  POSTGRES_MISSING,
  "synchronous_commit off is refused wherever it was set, also by a session of later",
  async () => {
    await using server = await PostgresServer.start();
    const off = refusal(/'synchronous_commit' must be on .*: current value is off/);
    await using store = await leadingStore(server);
    const { epoch } = store;

    await server.set("synchronous_commit", "off");
    await assert.rejects(prepare(server), off);
    await server.sql("alter system reset synchronous_commit; ");
    await server.sql("alter role postgres set synchronous_commit = off");
    await assert.rejects(prepare(server), off);
    await server.sql("alter role postgres reset synchronous_commit");
    await server.sql("alter database postgres set synchronous_commit = off");
    await assert.rejects(prepare(server), off);

    await store.beat(epoch, CALM);
    await server.killSessions();
    await assert.rejects(persistently(() => store.beat(epoch, CALM)), off);
  },
);

ioTestNeeding(
  POSTGRES_MISSING,
  "a reload does not lower the level at which a running session commits",
  async () => {
    await using primary = await PostgresServer.start();
    await using replica = await synchronousReplica(primary);
    await using store = await leadingStore(primary);
    const { epoch } = store;
    await primary.set("synchronous_commit", "local");
    await replica.pause();
    await assert.rejects(store.beat(epoch, BRIEF), TransientError);
    replica.resume();
  },
);

ioTestNeeding(
  POSTGRES_MISSING,
  "replicas of which none is synchronous are refused, unless that is accepted",
  async () => {
    await using primary = await PostgresServer.start();
    await using _replica = await primary.replica("one");
    await primary.until("select state from pg_stat_replication", "streaming");
    const asynchronous = refusal(
      /1 replicas and 0 replication slots and none is synchronous/,
      /set synchronous_standby_names/,
      /--accept-asynchronous-replication/,
    );
    await assert.rejects(prepare(primary), asynchronous);
    await prepare(primary, { acceptAsynchronousReplication: true });

    await primary.set("synchronous_standby_names", "one");
    await primary.until("select sync_state from pg_stat_replication", "sync");
    await prepare(primary);
    for (const level of ["local", "remote_write"]) {
      await primary.sql(`alter role postgres set synchronous_commit = ${level}`);
      await assert.rejects(
        prepare(primary),
        refusal(/'synchronous_commit' must be on or remote_apply/, new RegExp(`is ${level};`)),
      );
    }
    await primary.sql("alter role postgres set synchronous_commit = remote_apply");
    await prepare(primary);
  },
);

ioTestNeeding(
  POSTGRES_MISSING,
  "synchronous standbys that are named and away count as replicas",
  async () => {
    await using server = await PostgresServer.start();
    await prepare(server);
    await server.set("synchronous_standby_names", "away");
    for (const level of ["local", "remote_write"]) {
      await server.set("synchronous_commit", level);
      const words = /0 replicas .* 'synchronous_commit' must be on or remote_apply: current value/;
      await assert.rejects(read(server), refusal(words));
      await read(server, { acceptAsynchronousReplication: true });
    }
    await server.set("synchronous_commit", "on");
    await read(server);
  },
);

ioTestNeeding(
  POSTGRES_MISSING,
  "a watch ends once the server under it can no longer be relied on",
  async () => {
    await using server = await PostgresServer.start();
    await using store = storeOn(server, { checkMs: 0 });
    await store.prepare(CALM);
    const end = new AbortController();
    let standings = 0;
    const watching = (async () => {
      for await (const news of store.watchStanding({ signal: end.signal })) {
        if (news.kind === "standing") standings++;
      }
    })();
    watching.catch(() => {});
    try {
      const { epoch } = await takeLead(store);
      while (standings < 2) {
        await store.beat(epoch, CALM);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await server.sql("select pg_create_physical_replication_slot('away')");
      const ended = within(watching, LIMIT_MS, () => "the watch goes on");
      await assert.rejects(ended, refusal(/1 replication slots and none is synchronous/));
    } finally {
      end.abort();
      await watching.catch(() => {});
    }
  },
);

ioTestNeeding(
  POSTGRES_MISSING,
  "a slot of a replica that is away counts; who reads the log and a backup under way do not",
  async () => {
    await using server = await PostgresServer.start({ settings: { wal_level: "logical" } });
    await server.sql("select pg_create_logical_replication_slot('reader', 'test_decoding')");
    await prepare(server);
    await using _reader = server.client("pg_recvlogical", [
      ...["-d", "postgres", "-S", "reader", "--start", "-f", "-"],
    ]);
    await server.until("select state from pg_stat_replication", "streaming");
    await prepare(server);
    await using _backup = server.client("pg_basebackup", [
      ...["-D", `${server.data}-backup`, "-X", "stream", "-c", "fast", "--max-rate", "32k"],
    ]);
    await server.until("select count(*) from pg_stat_replication where state = 'backup'", "1");
    await server.until(
      "select state from pg_stat_replication where application_name = 'pg_basebackup' and state <> 'backup'",
      "streaming",
    );
    await prepare(server);
    await server.sql("select pg_create_physical_replication_slot('away')");
    await assert.rejects(prepare(server), refusal(/0 replicas and 1 replication slots/));
  },
);

ioTestNeeding(
  POSTGRES_MISSING,
  "a role that may not see the state of a replica is told which grant is missing",
  async () => {
    await using server = await PostgresServer.start();
    await prepare(server);
    await server.sql("create role limited login");
    await server.sql("grant usage on schema tsoracle to limited");
    await server.sql(
      "grant select, insert, update on all tables in schema tsoracle to limited",
    );
    const choices = { urls: [server.url("limited")] };
    await prepare(server, choices);
    await using _replica = await server.replica("one");
    await server.until("select state from pg_stat_replication", "streaming");
    await assert.rejects(prepare(server, choices), refusal(/GRANT pg_monitor/));
    await server.sql("grant pg_monitor to limited");
    await assert.rejects(
      prepare(server, choices),
      (error: Error) => error instanceof PermanentError && !error.message.includes("pg_monitor"),
    );
  },
);

ioTestNeeding(POSTGRES_MISSING, "a role without rights is told where they are listed", async () => {
  await using server = await PostgresServer.start();
  await server.sql("create role limited login");
  const choices = { urls: [server.url("limited")] };
  await assert.rejects(prepare(server, choices), refusal(/42501/, /docs\/engines\.md/));
  await prepare(server);
  await assert.rejects(prepare(server, choices), refusal(/42501/, /docs\/engines\.md/));
});

ioTestNeeding(
  POSTGRES_MISSING,
  "a standby is never used: the primary is found among several hosts, also after a promotion",
  async () => {
    await using first = await PostgresServer.start();
    await using second = await synchronousReplica(first);
    await assert.rejects(prepare(second), /in recovery: give the URL of the primary/);

    const urls = [second.url(), first.url()];
    await using store = await leadingStore(first, { urls });
    const { epoch } = store;
    await store.persistHighWater(5_000, epoch, CALM);
    await first.kill();
    await assert.rejects(store.beat(epoch, CALM));
    await second.sql("select pg_promote()");
    await persistently(() => store.beat(epoch, CALM));
    assert.equal(await persistently(() => store.loadHighWater(CALM)), 5_000);

    // The old primary comes back and believes that it still is one.
    await first.serve();
    await second.kill();
    await assert.rejects(store.readStanding(CALM));
    await assert.rejects(store.readStanding(CALM), (error: Error) => {
      return error instanceof UnavailableError && /another server was promoted/.test(error.message);
    });
  },
);

ioTestNeeding(
  POSTGRES_MISSING,
  "a commit whose wait for its replica was cancelled is no success",
  async () => {
    await using primary = await PostgresServer.start();
    await using replica = await synchronousReplica(primary);
    await using store = await leadingStore(primary);
    const { epoch } = store;
    await store.persistHighWater(1, epoch, CALM);
    await replica.pause();
    const write = assert.rejects(store.persistHighWater(2, epoch, CALM), (error: Error) => {
      return error instanceof TransientError && /replication/.test(error.message);
    });
    const waits = "wait_event = 'SyncRep' and query like '%greatest%'";
    await primary.until(`select count(*) from pg_stat_activity where ${waits}`, "1");
    await primary.sql(`select pg_cancel_backend(pid) from pg_stat_activity where ${waits}`);
    await write;
    replica.resume();
    assert.equal(await persistently(() => store.persistHighWater(0, epoch, CALM)), 2);
  },
);

ioTestNeeding(
  POSTGRES_MISSING,
  "a standby that lets nobody in does not end a node whose primary is away for a while",
  async () => {
    const access = ["host all tso 127.0.0.1/32 reject"];
    await using stranger = await PostgresServer.start({ access });
    await using primary = await PostgresServer.start();
    await primary.sql("create role tso login superuser");
    const urls = [stranger.url("tso"), primary.url("tso")];
    await using store = storeOn(primary, { urls });
    await store.prepare(CALM);
    await primary.kill();
    await assert.rejects(store.readStanding(CALM));
    await assert.rejects(store.readStanding(CALM), (error: Error) => {
      const { message } = error;
      return error instanceof UnavailableError && /28000/.test(message) && /; /.test(message);
    });
    await primary.serve();
    await persistently(() => store.readStanding(CALM));
    await assert.rejects(prepare(stranger, { urls: [stranger.url("tso")] }), refusal(/28000/));
  },
);

ioTestNeeding(
  POSTGRES_MISSING,
  "an old primary that waits for replicas which have left it is left for the promoted one",
  async () => {
    await using first = await PostgresServer.start();
    await using second = await synchronousReplica(first);
    await using store = await leadingStore(first, { urls: [first.url(), second.url()] });
    const { epoch } = store;
    await second.sql("select pg_promote()");
    // The first still answers reads, and commits nothing any more.
    await assert.rejects(store.beat(epoch, BRIEF), TransientError);
    await persistently(() => store.beat(epoch, CALM));
    assert.equal(await second.sql("select beat > 1 from tsoracle.state"), "t");
    assert.equal((await store.readStanding(CALM)).term?.epoch, epoch);
  },
);
