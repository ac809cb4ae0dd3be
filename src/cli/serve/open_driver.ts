// SPDX-License-Identifier: Apache-2.0

import type { ConsensusDriver } from "../../consensus/driver.ts";
import type { DriverMetrics } from "../../consensus/driver_metrics.ts";
import { formatEndpoint } from "../../core/endpoint.ts";
import type { ClusterNodeOptions } from "../../drivers/cluster/options.ts";
import { EtcdDriver } from "../../drivers/etcd/mod.ts";
import { FileDriver } from "../../drivers/file/mod.ts";
import { PostgresDriver } from "../../drivers/postgres/mod.ts";
import { formatDuration } from "../duration.ts";
import { UsageError } from "../errors.ts";
import { advertisedOf } from "./advertised.ts";
import type { DriverName } from "./drivers.ts";
import { withoutPassword } from "./driver_flags.ts";
import { etcdLocation } from "./etcd_location.ts";
import type { ServeSettings } from "./flags.ts";
import { postgresLocation } from "./postgres_location.ts";

/** What a driver of the command line can do besides its contract. */
export interface ServableDriver extends ConsensusDriver {
  /** Gives back what it holds. */
  close(): Promise<void>;
  /**
   * Waits until the engine is known to be usable; absent if it is once the driver is open.
   *
   * @param options.signal ends the wait, by throwing what stood in the way
   */
  ready?(options: { readonly signal: AbortSignal }): Promise<void>;
}

/** A driver that was opened for a node. */
export interface OpenedDriver {
  /** The driver. */
  readonly driver: ServableDriver;
  /** What the log says of it. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** What its close does, for the one who is told that it did not. */
  readonly release: string;
  /** Why it did not, and what to do. */
  readonly whyNot: string;
}

/**
 * Opens the driver of a node. One of a cluster has not asked its engine for anything yet.
 *
 * @param metrics where a driver of a cluster reports to
 * @throws {Error} a class that a person can act on
 */
export async function openDriver(
  name: DriverName,
  settings: ServeSettings,
  metrics: DriverMetrics | undefined,
): Promise<OpenedDriver> {
  switch (name) {
    case "file":
      return await openFile(settings);
    case "etcd":
      return await openEtcd(settings, metrics);
    case "postgres":
      return await openPostgres(settings, metrics);
  }
}

async function openFile({ directory, maxSequenceKeys }: ServeSettings): Promise<OpenedDriver> {
  return {
    driver: await FileDriver.open({ directory, maxSequenceKeys }),
    fields: { driver: "file", directory },
    release: `unlock '${directory}'`,
    whyNot: "a write still waits for the disk, so the lock ends with the process; look at the disk",
  };
}

async function openEtcd(
  settings: ServeSettings,
  metrics: DriverMetrics | undefined,
): Promise<OpenedDriver> {
  const location = await etcdLocation(settings);
  const options = { ...location, ...nodeOptions(settings, metrics) };
  const driver = within("etcd", () => new EtcdDriver(options));
  return clusterDriver(driver, { driver: "etcd", etcd: location.endpoints.join(",") }, settings);
}

async function openPostgres(
  settings: ServeSettings,
  metrics: DriverMetrics | undefined,
): Promise<OpenedDriver> {
  const location = await postgresLocation(settings);
  const options = { ...location, ...nodeOptions(settings, metrics) };
  const driver = within("postgres", () => new PostgresDriver(options));
  const url = location.urls.map(withoutPassword).join(" ");
  return clusterDriver(driver, { driver: "postgres", url }, settings);
}

function nodeOptions(
  settings: ServeSettings,
  metrics: DriverMetrics | undefined,
): ClusterNodeOptions {
  const { leaseMs, maxSequenceKeys } = settings;
  return { endpoint: advertisedOf(settings), leaseMs, maxSequenceKeys, metrics };
}

function clusterDriver(
  driver: ServableDriver,
  about: OpenedDriver["fields"],
  settings: ServeSettings,
): OpenedDriver {
  const { prefix, leaseMs } = settings;
  const advertised = formatEndpoint(advertisedOf(settings));
  return {
    driver,
    fields: { ...about, prefix, advertised, lease: formatDuration(leaseMs) },
    release: "give up the leadership",
    whyNot: "the engine does not answer, so the lease ends by itself; look at the engine",
  };
}

/** What a driver refuses of its options came from flags. */
function within<T>(name: DriverName, open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(`Cannot serve ${name}: ${error.message}`, { cause: error });
  }
}
