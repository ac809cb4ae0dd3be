// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { LeadershipEvent } from "../../../src/consensus/driver.ts";
import { ClusterDriver } from "../../../src/drivers/cluster/driver.ts";
import { ManualClock } from "../../../src/testing/manual_clock.ts";
import { SimulatedEngine } from "./_support/simulated_engine.ts";
import { SimulatedLink } from "./_support/simulated_link.ts";
import { SimulatedStore } from "./_support/simulated_store.ts";

const LEASE_MS = 1_000;
const STEP_MS = 10;

/** A node of a cluster, and the last that its driver said. */
class Node {
  readonly link = new SimulatedLink();
  said: LeadershipEvent = { kind: "unknown" };
  readonly #driver: ClusterDriver;
  readonly #end = new AbortController();
  readonly #reading: Promise<void>;

  constructor(host: string, engine: SimulatedEngine, clock: ManualClock) {
    this.#driver = new ClusterDriver({
      store: new SimulatedStore({ engine, link: this.link, clock }),
      endpoint: { host, port: 50_551 },
      leaseMs: LEASE_MS,
      clock,
    });
    this.#reading = this.#read();
  }

  async close(): Promise<void> {
    this.#end.abort();
    await Promise.all([this.#reading, this.#driver.close()]);
  }

  async #read(): Promise<void> {
    const { signal } = this.#end;
    try {
      for await (const event of this.#driver.leadershipEvents({ signal })) this.said = event;
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

Deno.test("ClusterDriver is followed by another node when its heartbeats arrive and their answers do not", async () => {
  const clock = new ManualClock({ nowMs: 0 });
  const engine = new SimulatedEngine();
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= STEP_MS) await clock.advance(STEP_MS);
  };
  const first = new Node("a.example", engine, clock);
  await pass(LEASE_MS);
  assert.equal(first.said.kind, "leader");
  const second = new Node("b.example", engine, clock);
  await pass(LEASE_MS);
  assert.equal(second.said.kind, "follower");
  first.link.plan = () => ({ requestMs: 0, answerMs: Infinity });
  await pass(3 * LEASE_MS);
  assert.equal(second.said.kind, "leader");
  const closed = Promise.all([first.close(), second.close()]);
  await pass(10 * LEASE_MS);
  await closed;
});
