// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { SystemClock } from "../../../../src/clock/system_clock.ts";
import { ClusterDriver } from "../../../../src/drivers/cluster/driver.ts";
import type { ClusterStore } from "../../../../src/drivers/cluster/store.ts";
import { SHORTEST_LEASE_MS } from "../../../../src/drivers/cluster/timing.ts";
import type { ConformanceHook } from "../../../../src/testing/conformance/driver_check.ts";
import type { DriverHarness } from "../../../../src/testing/conformance/driver_harness.ts";
import { settle } from "../../../../src/testing/manual_clock.ts";
import { SimulatedEngine } from "./simulated_engine.ts";
import { SimulatedLink } from "./simulated_link.ts";
import { SimulatedStore } from "./simulated_store.ts";

/** Far above what a simulated engine needs, and what each check of a silent one takes. */
const CALL_TIMEOUT_MS = 400;

/** Puts something between each driver and its store, such as a flaw. */
type Wrap = (store: ClusterStore) => ClusterStore;

interface Node {
  readonly engine: SimulatedEngine;
  readonly link: SimulatedLink;
  readonly wrap: Wrap;
}

interface OpenOptions {
  readonly wrap: Wrap;
  readonly engine?: SimulatedEngine;
  readonly maxSequenceKeys?: number;
}

const nodes = new WeakMap<ClusterDriver, Node>();

function open(
  { wrap, engine = new SimulatedEngine(), maxSequenceKeys = 10_000 }: OpenOptions,
): Promise<ClusterDriver> {
  const link = new SimulatedLink();
  const driver = new ClusterDriver({
    store: wrap(new SimulatedStore({ engine, link, clock: new SystemClock() })),
    endpoint: { host: "a.example", port: 50_551 },
    leaseMs: SHORTEST_LEASE_MS,
    callTimeoutMs: CALL_TIMEOUT_MS,
    maxSequenceKeys,
  });
  nodes.set(driver, { engine, link, wrap });
  return Promise.resolve(driver);
}

function nodeOf(driver: ClusterDriver): Node {
  const node = nodes.get(driver);
  assert.ok(node);
  return node;
}

/** Lets what is asked be done and the answers be lost, then loses everything. */
async function silence(driver: ClusterDriver): Promise<() => Promise<void>> {
  const { link } = nodeOf(driver);
  const { plan } = link;
  link.plan = () => ({ requestMs: 0, answerMs: Infinity });
  await settle();
  link.cut();
  return () => {
    link.plan = plan;
    link.mend();
    return Promise.resolve();
  };
}

/** Breaks the connection after what is asked was done, and before it is answered. */
async function fault(driver: ClusterDriver): Promise<void> {
  const { link } = nodeOf(driver);
  const { plan } = link;
  link.plan = () => ({ requestMs: 0, answerMs: 0, fault: "transient" });
  await settle();
  link.plan = plan;
  link.interruptWatches();
}

/** Another node takes over, however long the leader has been silent. */
function supersede(driver: ClusterDriver): Promise<void> {
  const { engine } = nodeOf(driver);
  const endpoint = { host: "b.example", port: 50_551 };
  assert(engine.takeOver(engine.standing, { id: crypto.randomUUID(), endpoint }));
  return Promise.resolve();
}

/** Gets at cluster drivers on a simulated engine, with everything that the suite can ask for. */
export function simulatedHarness(
  wrap: Wrap = (store) => store,
): DriverHarness<ClusterDriver> & Required<Pick<DriverHarness<ClusterDriver>, ConformanceHook>> {
  return {
    open: () => open({ wrap }),
    close: (driver) => driver.close(),
    reopen: async (driver) => {
      await driver.close();
      return await open(nodeOf(driver));
    },
    supersede,
    openWith: ({ sequences, maxSequenceKeys }) => {
      const engine = new SimulatedEngine();
      engine.fill(new Map(sequences));
      return open({ wrap, engine, maxSequenceKeys });
    },
    standby: (driver) => open(nodeOf(driver)),
    silence,
    fault,
  };
}
