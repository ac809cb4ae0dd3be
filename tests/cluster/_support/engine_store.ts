// SPDX-License-Identifier: Apache-2.0

import type { Clock } from "../../../src/core/clock.ts";
import type { ClusterStore } from "../../../src/drivers/cluster/store.ts";
import { EtcdClient } from "../../../src/drivers/etcd/client.ts";
import { checkLocation as checkEtcd } from "../../../src/drivers/etcd/options.ts";
import { EtcdStore } from "../../../src/drivers/etcd/store.ts";
import { checkLocation as checkPostgres } from "../../../src/drivers/postgres/options.ts";
import { PostgresStore } from "../../../src/drivers/postgres/store.ts";

/** Where an engine is, as the flags of the command line say it: one of the two. */
export interface EngineFlags {
  /** Members of etcd, with commas between them. */
  readonly etcd?: string | undefined;
  /** The URL of a PostgreSQL. */
  readonly url?: string | undefined;
}

/** The store that the driver of the engine works with, for who has to stand between the two. */
export function engineStore(
  { etcd, url }: EngineFlags,
  { clock, leaseMs }: { readonly clock: Clock; readonly leaseMs: number },
): ClusterStore {
  const timing = { clock, watchTimeoutMs: leaseMs };
  if (etcd !== undefined) {
    const { urls, tls, prefix } = checkEtcd({ endpoints: etcd.split(",") });
    return new EtcdStore({ client: new EtcdClient({ urls, tls, clock }), prefix, ...timing });
  }
  if (url === undefined) throw new TypeError("neither --etcd nor --url was given");
  const polling = { pollMs: leaseMs / 4, checkMs: 60_000 };
  return new PostgresStore({ ...checkPostgres({ urls: [url] }), ...timing, ...polling });
}
