// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { SystemClock } from "../../../src/clock/system_clock.ts";
import { ClusterDriver } from "../../../src/drivers/cluster/driver.ts";
import { SHORTEST_LEASE_MS } from "../../../src/drivers/cluster/timing.ts";
import { testDriverConformance } from "../../../src/testing/driver_conformance.ts";
import { SimulatedEngine } from "./_support/simulated_engine.ts";
import { SimulatedStore } from "./_support/simulated_store.ts";

const engineOf = new WeakMap<ClusterDriver, SimulatedEngine>();

function open(engine = new SimulatedEngine(), maxSequenceKeys = 10_000): Promise<ClusterDriver> {
  const store = new SimulatedStore({ engine, clock: new SystemClock() });
  const endpoint = { host: "a.example", port: 50_551 };
  const driver = new ClusterDriver({
    store,
    endpoint,
    leaseMs: SHORTEST_LEASE_MS,
    maxSequenceKeys,
  });
  engineOf.set(driver, engine);
  return Promise.resolve(driver);
}

/** Another node takes over, however long the leader has been silent. */
function supersede(driver: ClusterDriver): Promise<void> {
  const engine = engineOf.get(driver);
  const endpoint = { host: "b.example", port: 50_551 };
  assert(engine?.takeOver(engine.standing, { id: crypto.randomUUID(), endpoint }));
  return Promise.resolve();
}

testDriverConformance<ClusterDriver>("ClusterDriver", {
  test: (name, fn) => Deno.test(name, fn),
  open: () => open(),
  close: (driver) => driver.close(),
  reopen: async (driver) => {
    await driver.close();
    return await open(engineOf.get(driver));
  },
  supersede,
  openWith: ({ sequences, maxSequenceKeys }) => {
    const engine = new SimulatedEngine();
    engine.fill(new Map(sequences));
    return open(engine, maxSequenceKeys);
  },
});
