// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { SystemClock } from "../../../src/clock/system_clock.ts";
import type { StandingNews, StoreCallOptions } from "../../../src/drivers/cluster/store.ts";
import { EtcdClient } from "../../../src/drivers/etcd/client.ts";
import type { Transaction } from "../../../src/drivers/etcd/operations.ts";
import type { TxnResponse } from "../../../src/gen/etcdserverpb/rpc_pb.ts";
import { ETCD_MISSING, EtcdCluster, ETCDCTL_MISSING } from "../../_support/engines/etcd_cluster.ts";
import { ioTestNeeding } from "../../_support/levels.ts";
import { recordLogs } from "../../_support/logs.ts";
import type { RecordedLogs } from "../../_support/logs.ts";
import { within } from "../../_support/server_process.ts";
import { CALM, leadStore, OpenStore, openStore, whileElecting } from "./_support/etcd_rig.ts";

const STOPPED = new Error("the test is over");
const CLAIM = { id: "next", endpoint: { host: "oracle", port: 1 } };

/** Collects news, and waits for them. */
class Follower implements AsyncDisposable {
  readonly #stop = new AbortController();
  readonly #news: AsyncIterator<StandingNews>;

  constructor(store: OpenStore) {
    this.#news = store.watchStanding(this.#stop)[Symbol.asyncIterator]();
  }

  async next(): Promise<StandingNews> {
    const { value, done } = await this.#news.next();
    assert.ok(!done);
    return value;
  }

  /** Passes news over until some are wanted. */
  async until(isWanted: (news: StandingNews) => boolean): Promise<StandingNews> {
    for (;;) {
      const news = await this.next();
      if (isWanted(news)) return news;
    }
  }

  async gap(): Promise<unknown> {
    const news = await this.until(({ kind }) => kind === "gap");
    return news.kind === "gap" ? news.cause : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const pending = this.#news.next();
    this.#stop.abort(STOPPED);
    await assert.rejects(pending, STOPPED);
  }
}

ioTestNeeding(
  ETCD_MISSING,
  "the watch tells of a heartbeat, a resignation and a take-over",
  async () => {
    await using cluster = await EtcdCluster.start();
    await using store = openStore({ urls: cluster.endpoints });
    const led = await leadStore(store);
    await using follower = new Follower(store);
    assert.deepEqual(await follower.next(), { kind: "gap", cause: undefined });
    await store.beat(led.epoch, CALM);
    const beaten = await store.readStanding(CALM);
    assert.deepEqual(await follower.next(), { kind: "standing", standing: beaten });
    assert.deepEqual(beaten.term, led);
    await store.resign(led.epoch, CALM);
    const resigned = { ...beaten, resigned: true };
    assert.deepEqual(await follower.next(), { kind: "standing", standing: resigned });
    const again = await store.takeOver(resigned, CLAIM, CALM);
    assert.deepEqual(await follower.next(), { kind: "standing", standing: again });
  },
);

ioTestNeeding(
  ETCDCTL_MISSING,
  "the watch outlives a compaction, and both the loss of its member and the return are gaps",
  async () => {
    await using cluster = await EtcdCluster.start();
    await using store = openStore({ urls: cluster.endpoints });
    const led = await leadStore(store);
    await using follower = new Follower(store);
    await follower.gap();
    await cluster.compact();
    await store.beat(led.epoch, CALM);
    assert.equal((await follower.next()).kind, "standing");
    await cluster.member(0).kill();
    assert.notEqual(await follower.gap(), undefined, "told while the member is away");
    cluster.member(0).start();
    assert.notEqual(await follower.gap(), undefined);
    await store.beat(led.epoch, CALM);
    await follower.until(({ kind }) => kind === "standing");
  },
);

ioTestNeeding(
  ETCD_MISSING,
  "the watch leaves a member that is paused",
  async () => {
    await using logs = await recordLogs();
    await using cluster = await EtcdCluster.start({ members: 3 });
    await using writer = openStore({ urls: [...cluster.endpoints].reverse(), prefix: "one" });
    await using store = openStore({ urls: cluster.endpoints, prefix: "one" });
    const led = await leadStore(writer);
    await using follower = new Follower(store);
    await follower.gap();
    cluster.member(0).pause();
    // A call of the same node finds out, long before the watch itself would.
    await assert.rejects(store.readStanding({ timeoutMs: 500 }));
    const left = follower.gap();
    await within(lost(logs), 9_000, () => "the watch has not left the member before its ping");
    await left;
    await follower.gap();
    await whileElecting(cluster.member(0).endpoint, () => writer.beat(led.epoch, CALM));
    await follower.until(({ kind }) => kind === "standing");
    cluster.member(0).resume();
  },
);

ioTestNeeding(
  ETCD_MISSING,
  "the watch ends at a member that has lost its cluster, and begins anew with it",
  async () => {
    await using logs = await recordLogs();
    await using cluster = await EtcdCluster.start({ members: 3 });
    await using store = openStore({ urls: [cluster.member(0).endpoint] });
    const led = await leadStore(store);
    await using follower = new Follower(store);
    await follower.gap();
    const left = follower.gap();
    await Promise.all([cluster.member(1).kill(), cluster.member(2).kill()]);
    await within(lost(logs), 60_000, () => "the watch has not ended");
    assert.match(String(logs.records[0]?.properties.cause), /no leader/);
    assert.notEqual(await left, undefined);
    cluster.member(1).start();
    cluster.member(2).start();
    assert.notEqual(await follower.gap(), undefined);
    await whileElecting("nobody", () => store.beat(led.epoch, CALM));
    await follower.until(({ kind }) => kind === "standing");
  },
);

/** Waits until a watch says that it was lost. */
async function lost({ records }: RecordedLogs): Promise<void> {
  while (records.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** Remembers another revision at first, as if much had been written since. */
class LateClient extends EtcdClient {
  isLate = true;

  override async txn(transaction: Transaction, options: StoreCallOptions): Promise<TxnResponse> {
    const response = await super.txn(transaction, options);
    if (this.isLate && response.header !== undefined) response.header.revision = 1n;
    return response;
  }
}

ioTestNeeding(
  ETCDCTL_MISSING,
  "the watch begins anew if what it has not seen was compacted",
  async () => {
    await using cluster = await EtcdCluster.start();
    const clock = new SystemClock();
    const client = new LateClient({ urls: cluster.endpoints, tls: undefined, clock });
    const options = { client, prefix: "one", clock, watchTimeoutMs: 2_000 };
    await using late = new OpenStore(options);
    await using store = openStore({ urls: cluster.endpoints, prefix: "one" });
    const led = await leadStore(store);
    await cluster.compact();
    await using follower = new Follower(late);
    assert.equal(await follower.gap(), undefined);
    const again = follower.gap();
    client.isLate = false;
    assert.match(String(await again), /its revisions before \d+ are compacted/);
    await follower.gap();
    await store.beat(led.epoch, CALM);
    assert.equal((await follower.next()).kind, "standing");
  },
);
