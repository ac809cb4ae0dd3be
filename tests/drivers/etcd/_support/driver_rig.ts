// SPDX-License-Identifier: Apache-2.0

import { EtcdDriver } from "../../../../src/drivers/etcd/driver.ts";
import type { EtcdDriverOptions } from "../../../../src/drivers/etcd/options.ts";
import type { SequenceStoreContent } from "../../../../src/testing/conformance/driver_check.ts";
import { BOTH, Relay } from "../../../cluster/_support/relay.ts";
import type { EtcdCluster } from "../../../_support/engines/etcd_cluster.ts";
import { CALM, leadStore, openStore } from "./etcd_rig.ts";

/** Short, so that the checks are; long enough for a machine that is busy with other tests. */
const LEASE_MS = 1_000;

/** What a driver is connected to. */
interface Rigged {
  readonly cluster: EtcdCluster;
  readonly prefix: string;
  readonly relay: Relay;
}

const rigOf = new WeakMap<EtcdDriver, Rigged>();

/** A driver on a new store in an etcd, by way of a relay. */
export async function openDriver(
  cluster: EtcdCluster,
  options: Partial<EtcdDriverOptions> = {},
): Promise<EtcdDriver> {
  const { prefix = `test-${crypto.randomUUID()}` } = options;
  const relay = await Relay.start(new URL(cluster.member(0).endpoint).host);
  const driver = new EtcdDriver({
    endpoints: [relay.address],
    endpoint: { host: "oracle.example", port: 50_551 },
    leaseMs: LEASE_MS,
    callTimeoutMs: 3_000,
    ...options,
    prefix,
  });
  rigOf.set(driver, { cluster, prefix, relay });
  return driver;
}

/** A driver on a new store that holds some sequences. */
export async function openDriverWith(
  cluster: EtcdCluster,
  { sequences: counters, maxSequenceKeys }: SequenceStoreContent,
): Promise<EtcdDriver> {
  const prefix = `test-${crypto.randomUUID()}`;
  await using store = openStore({ urls: cluster.endpoints, prefix });
  const { epoch } = await leadStore(store);
  const { version } = await store.readSequences(CALM);
  const write = { version, operationId: "before", moved: counters, counters };
  await store.writeSequences(write, epoch, CALM);
  await store.resign(epoch, CALM);
  return await openDriver(cluster, { prefix, maxSequenceKeys });
}

/** Another driver on the store of one. */
export async function standbyOf(driver: EtcdDriver): Promise<EtcdDriver> {
  const { cluster, prefix } = rigged(driver);
  return await openDriver(cluster, { prefix });
}

/** Closes a driver and opens another on its store. */
export async function reopenDriver(driver: EtcdDriver): Promise<EtcdDriver> {
  await closeDriver(driver);
  return await standbyOf(driver);
}

/** Closes a driver. */
export async function closeDriver(driver: EtcdDriver): Promise<void> {
  const { relay } = rigged(driver);
  relay.cut([]);
  await driver.close();
  await relay[Symbol.asyncDispose]();
}

/** Begins a term of another node, however often this one gives a sign of life meanwhile. */
export async function supersede(driver: EtcdDriver): Promise<void> {
  const { cluster, prefix } = rigged(driver);
  await using store = openStore({ urls: cluster.endpoints, prefix });
  const claim = { id: crypto.randomUUID(), endpoint: { host: "other.example", port: 1 } };
  for (;;) {
    const seen = await store.readStanding(CALM);
    if (await store.takeOver(seen, claim, CALM) !== undefined) return;
  }
}

/** Lets nothing pass between a driver and its etcd, until the returned function is called. */
export function silence(driver: EtcdDriver): Promise<() => Promise<void>> {
  const { relay } = rigged(driver);
  relay.cut(BOTH);
  return Promise.resolve(() => Promise.resolve(relay.cut([])));
}

/** Ends the connections of a driver, once. */
export function fault(driver: EtcdDriver): Promise<void> {
  rigged(driver).relay.reset();
  return Promise.resolve();
}

function rigged(driver: EtcdDriver): Rigged {
  const rig = rigOf.get(driver);
  if (rig === undefined) throw new Error("the driver was not opened here");
  return rig;
}
