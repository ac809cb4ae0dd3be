// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { FencedError } from "../../../src/consensus/errors.ts";
import { POSTGRES_MISSING, PostgresServer } from "../../_support/engines/postgres_server.ts";
import { ioTestNeeding } from "../../_support/levels.ts";
import { CALM, claimOf, persistently, storeOn, takeLead } from "./_support/store.ts";

/** A primary and a replica that has all that the primary has written, and nothing from then on. */
async function lag(primary: PostgresServer, replica: PostgresServer): Promise<void> {
  await primary.until(
    "select pg_current_wal_flush_lsn() <= replay_lsn from pg_stat_replication",
    "t",
  );
  await replica.stop();
}

/** What a store is told that may find either of them as its primary. */
function onEither(primary: PostgresServer, replica: PostgresServer) {
  return { urls: [primary.url(), replica.url()], acceptAsynchronousReplication: true };
}

/** Puts the replica in the place of the primary, which was lost. */
async function promote(primary: PostgresServer, replica: PostgresServer): Promise<void> {
  await primary.kill();
  await replica.serve();
  await replica.sql("select pg_promote()");
}

ioTestNeeding(
  POSTGRES_MISSING,
  "a heartbeat on a promoted replica is no sight of one that was seen on the old primary only",
  async () => {
    await using primary = await PostgresServer.start();
    await using replica = await primary.replica("one");
    const choices = onEither(primary, replica);
    await using leader = storeOn(primary, choices);
    await using standby = storeOn(primary, choices);
    await leader.prepare(CALM);
    const { epoch } = await takeLead(leader);
    await lag(primary, replica);
    await leader.beat(epoch, CALM);
    const seen = await standby.readStanding(CALM);

    await promote(primary, replica);
    assert.equal(
      await replica.sql("select beat from tsoracle.state"),
      String(BigInt(seen.beat) - 1n),
    );
    await persistently(() => leader.beat(epoch, CALM));
    const taken = await persistently(() => standby.takeOver(seen, claimOf("deceived"), CALM));
    assert.equal(taken, undefined);
    await leader.beat(epoch, CALM);
  },
);

ioTestNeeding(
  POSTGRES_MISSING,
  "a term that was lost with the old primary is not begun again by another node",
  async () => {
    await using primary = await PostgresServer.start();
    await using replica = await primary.replica("one");
    const choices = onEither(primary, replica);
    await using first = storeOn(primary, choices);
    await using second = storeOn(replica, choices);
    await first.prepare(CALM);
    await takeLead(first, "replicated");
    await lag(primary, replica);
    const lost = await takeLead(first, "lost");

    await promote(primary, replica);
    const latest = await persistently(() => takeLead(second, "another"));
    assert.ok(latest.epoch > lost.epoch);
    await assert.rejects(
      persistently(() => first.beat(lost.epoch, CALM)),
      (error) => error instanceof FencedError && error.current === latest.epoch,
    );
  },
);
