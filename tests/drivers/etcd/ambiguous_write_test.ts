// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { SystemClock } from "../../../src/clock/system_clock.ts";
import type { LeaderEvent } from "../../../src/consensus/driver.ts";
import type { Epoch } from "../../../src/core/epoch.ts";
import { ClusterDriver } from "../../../src/drivers/cluster/driver.ts";
import type {
  SequenceWrite,
  StoreCallOptions,
  SwapOutcome,
} from "../../../src/drivers/cluster/store.ts";
import { EtcdClient } from "../../../src/drivers/etcd/client.ts";
import { EtcdStore } from "../../../src/drivers/etcd/store.ts";
import { ETCD_MISSING, EtcdCluster } from "../../_support/engines/etcd_cluster.ts";
import { ioTestNeeding, scaled } from "../../_support/levels.ts";

/** How the patience with a write changes: it stays about as long as a write takes, on whatever machine. */
const AFTER_A_WRITE = 0.7;
const AFTER_A_FAILURE = 3;

/** Gives writes of sequences up about when they are made. */
class ImpatientStore extends EtcdStore {
  inDoubt = 0;
  #patienceMs = 20;

  override async writeSequences(
    write: SequenceWrite,
    epoch: Epoch,
    options: StoreCallOptions,
  ): Promise<SwapOutcome> {
    const timeoutMs = Math.min(options.timeoutMs, this.#patienceMs);
    try {
      const outcome = await super.writeSequences(write, epoch, { ...options, timeoutMs });
      this.#patienceMs *= AFTER_A_WRITE;
      return outcome;
    } catch (error) {
      this.inDoubt += 1;
      this.#patienceMs *= AFTER_A_FAILURE;
      throw error;
    }
  }
}

ioTestNeeding(
  ETCD_MISSING,
  "ordinals are taken once each, however many writes are given up",
  async () => {
    await using cluster = await EtcdCluster.start({ members: 3 });
    const clock = new SystemClock();
    const store = new ImpatientStore({
      client: new EtcdClient({ urls: cluster.endpoints, tls: undefined, clock }),
      prefix: "tsoracle",
      clock,
      watchTimeoutMs: 2_000,
    });
    await using driver = new ClusterDriver({
      store,
      endpoint: { host: "oracle", port: 1 },
      leaseMs: 2_000,
      callTimeoutMs: 60_000,
    });
    const stop = new AbortController();
    const events = driver.leadershipEvents(stop);
    const { epoch } = await leaderOf(events);
    const calls = scaled(60, 300);
    for (let call = 0; call < calls; call++) {
      const start = await driver.advanceDense({ key: "orders", count: 5 }, epoch);
      assert.equal(start, BigInt(5 * call));
    }
    assert.ok(store.inDoubt > 0, "no write was given up, so nothing was tried");
    assert.equal(await driver.loadDenseSeq("orders"), BigInt(5 * calls));
    stop.abort();
    await events.next().catch(() => {});
  },
);

async function leaderOf(events: AsyncIterator<{ readonly kind: string }>): Promise<LeaderEvent> {
  for (;;) {
    const { value } = await events.next();
    if (value.kind === "leader") return value as LeaderEvent;
  }
}
