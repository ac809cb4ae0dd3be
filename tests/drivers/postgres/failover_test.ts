// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { SystemClock } from "../../../src/clock/system_clock.ts";
import type { LeaderEvent, LeadershipEvent } from "../../../src/consensus/driver.ts";
import { PermanentError } from "../../../src/consensus/errors.ts";
import { PostgresDriver } from "../../../src/drivers/postgres/driver.ts";
import type { PostgresDriverOptions } from "../../../src/drivers/postgres/options.ts";
import {
  FAKETIME_MISSING,
  POSTGRES_MISSING,
  PostgresServer,
} from "../../_support/engines/postgres_server.ts";
import { ioTestNeeding } from "../../_support/levels.ts";
import { within } from "../../_support/server_process.ts";
import { persistently } from "./_support/store.ts";
import { synchronousReplica } from "./_support/synchronous_replica.ts";

const LIMIT_MS = 60_000;

/** A node whose election runs until its scope ends. */
class Node implements AsyncDisposable {
  readonly driver: PostgresDriver;
  readonly events: LeadershipEvent[] = [];
  /** Settles with the end of the stream, never by a rejection. */
  readonly ended: Promise<unknown>;
  readonly #end = new AbortController();
  #changed = Promise.withResolvers<void>();

  constructor(urls: readonly string[], options: Partial<PostgresDriverOptions> = {}) {
    const endpoint = { host: "10.0.0.7", port: 50_551 };
    this.driver = new PostgresDriver({ urls, endpoint, leaseMs: 1_000, ...options });
    this.ended = this.#run().catch((error: unknown) => error);
  }

  /** Waits until this node leads under an epoch above one. */
  async leads(above = -1n): Promise<LeaderEvent> {
    for (;;) {
      const event = this.events.findLast(({ kind }) => kind !== "unknown");
      if (event?.kind === "leader" && event.epoch > above) return event;
      await within(
        this.#changed.promise,
        LIMIT_MS,
        () => `no leader: ${Deno.inspect(this.events)}`,
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort(new Error("the test has ended"));
    await this.ended;
    await this.driver.close();
  }

  async #run(): Promise<void> {
    for await (const event of this.driver.leadershipEvents({ signal: this.#end.signal })) {
      this.events.push(event);
      this.#changed.resolve();
      this.#changed = Promise.withResolvers<void>();
    }
  }
}

/** The real time, but for a monotonic clock that can be moved. */
class MovableClock extends SystemClock {
  aheadMs = 0;

  override monotonicMs(): number {
    return super.monotonicMs() + this.aheadMs;
  }
}

/** Lets a node lead in the place of another. */
async function succeed(old: Node, successor: Node): Promise<LeaderEvent> {
  const { epoch } = await old.leads();
  const signal = AbortSignal.timeout(LIMIT_MS);
  assert.ok(await old.driver.resign({ signal }));
  return await successor.leads(epoch);
}

ioTestNeeding(
  POSTGRES_MISSING,
  "a failover to a replica that lagged, which was accepted, stops the nodes that saw more",
  async () => {
    await using primary = await PostgresServer.start();
    await using replica = await primary.replica("one");
    const urls = [primary.url(), replica.url()];
    const options = { acceptAsynchronousReplication: true };
    await using first = new Node(urls, options);
    const { epoch } = await first.leads();
    await first.driver.persistHighWater(1_000_000, epoch);
    await primary.until(
      "select pg_current_wal_flush_lsn() <= replay_lsn from pg_stat_replication",
      "t",
    );
    await replica.stop();

    await using second = new Node(urls, options);
    const later = await succeed(first, second);
    await second.driver.persistHighWater(2_000_000, later.epoch);
    await primary.kill();
    await replica.serve();
    await replica.sql("select pg_promote()");
    assert.equal(await replica.sql("select term, high_water from tsoracle.state"), "1|1000000");

    for (const node of [first, second]) {
      const end = await within(node.ended, LIMIT_MS, () => "the node goes on");
      assert.ok(end instanceof PermanentError, String(end));
      assert.match(end.message, /went back/);
    }
    assert.ok((later.certainUntil?.() ?? 0) < performance.now());
  },
);

ioTestNeeding(
  POSTGRES_MISSING,
  "a failover to a synchronous replica loses nothing, and a node leads on in the same term or a later one",
  async () => {
    await using primary = await PostgresServer.start();
    await using replica = await synchronousReplica(primary);
    await using node = new Node([primary.url(), replica.url()]);
    const { epoch } = await node.leads();
    await node.driver.persistHighWater(3_000_000, epoch);
    assert.equal(await node.driver.advanceDense({ key: "orders", count: 7 }, epoch), 0n);
    await primary.kill();
    await replica.sql("select pg_promote()");
    assert.equal(await persistently(() => node.driver.loadHighWater()), 3_000_000);
    assert.equal(await persistently(() => node.driver.loadDenseSeq("orders")), 7n);
    await replica.until(
      `select beat > ${await replica.sql("select beat from tsoracle.state")} from tsoracle.state`,
      "t",
    );
    const latest = await node.leads();
    assert.ok(latest.epoch >= epoch);
    assert.ok((latest.certainUntil?.() ?? 0) > performance.now() - LIMIT_MS);
  },
);

ioTestNeeding(
  FAKETIME_MISSING,
  "a clock of the server that steps to and fro ends no term and begins none",
  async () => {
    await using server = await PostgresServer.start({ shiftable: true });
    // Long enough that no pause of a busy machine ends a term, too.
    const options = { leaseMs: 4_000 };
    await using leader = new Node([server.url()], options);
    const { epoch } = await leader.leads();
    await using standby = new Node([server.url()], options);
    const seenBy = async () => {
      const before = await server.sql("select beat from tsoracle.state");
      await server.until(`select beat > ${before} + 1 from tsoracle.state`, "t");
    };
    const year = () => server.sql("select extract(year from now()) - 2000");
    const present = Number(await year());
    for (const shift of ["+20y", "-20y", "+1h", "-1h", "+0s"]) {
      await server.setClock(shift);
      await server.until(`select extract(year from now())::int - 2000 between 1 and 99`, "t");
      await seenBy();
      if (shift === "+20y") {
        assert.ok(Number(await year()) >= present + 19, "the clock stood still");
      }
    }
    assert.equal(await server.sql("select term from tsoracle.state"), "1");
    assert.deepEqual(
      leader.events.filter(({ kind }) => kind === "leader").map((event) =>
        event.kind === "leader" ? event.epoch : undefined
      ),
      [epoch],
    );
    assert.ok(standby.events.every(({ kind }) => kind !== "leader"));
    const later = await succeed(leader, standby);
    assert.ok(later.epoch > epoch);
  },
);

ioTestNeeding(
  POSTGRES_MISSING,
  "a node that runs asks each minute whether its server still keeps what it acknowledges, and stops if not",
  async () => {
    await using server = await PostgresServer.start();
    const clock = new MovableClock();
    await using node = new Node([server.url()], { clock });
    await node.leads();
    await server.sql("select pg_create_physical_replication_slot('away')");
    clock.aheadMs = 60_000;
    const end = await within(node.ended, LIMIT_MS, () => "the node goes on");
    assert.ok(end instanceof PermanentError, String(end));
    assert.match(end.message, /1 replication slots and none is synchronous/);
  },
);
