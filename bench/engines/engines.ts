// SPDX-License-Identifier: Apache-2.0

import { join } from "node:path";
import { ETCD_MISSING, EtcdCluster } from "../../tests/_support/engines/etcd_cluster.ts";
import { POSTGRES_MISSING, PostgresServer } from "../../tests/_support/engines/postgres_server.ts";
import type { ProbeTarget } from "./probe_plan.ts";

/** An engine that was started to be measured. Leaving its scope ends it. */
export interface StartedEngine extends AsyncDisposable {
  /** Where it is; each call names a store that is new. */
  readonly target: () => ProbeTarget;
}

/** An engine that can be measured. */
export interface MeasuredEngine {
  /** How it stands in the table. */
  readonly name: string;
  /** What to do if it is not on this machine. */
  readonly missing: string | undefined;
  /** Starts it, with what it keeps in a directory of its own. */
  readonly start: (directory: string) => Promise<StartedEngine>;
}

/** All engines, in the order of the table. */
export const ENGINES: readonly MeasuredEngine[] = [
  { name: "file", missing: undefined, start: (directory) => Promise.resolve(files(directory)) },
  { name: "etcd, 1 member", missing: ETCD_MISSING, start: () => startEtcd(1) },
  { name: "etcd, 3 members", missing: ETCD_MISSING, start: () => startEtcd(3) },
  { name: "PostgreSQL", missing: POSTGRES_MISSING, start: () => startPostgres() },
  {
    name: "PostgreSQL, synchronous replica",
    missing: POSTGRES_MISSING,
    start: () => startPostgres("replica"),
  },
];

function files(directory: string): StartedEngine {
  return {
    target: () => ({ engine: "file", directory: join(directory, crypto.randomUUID()) }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function startEtcd(members: number): Promise<StartedEngine> {
  const cluster = await EtcdCluster.start({ members });
  return {
    target: () => ({ engine: "etcd", endpoints: cluster.endpoints }),
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}

/** @param standby the name of the replica that confirms every commit, if there is to be one */
async function startPostgres(standby?: string): Promise<StartedEngine> {
  const running = new AsyncDisposableStack();
  try {
    const primary = running.use(await PostgresServer.start());
    if (standby !== undefined) {
      running.use(await primary.replica(standby));
      await primary.set("synchronous_standby_names", standby);
      await primary.until("select sync_state from pg_stat_replication", "sync");
    }
    const urls = [primary.url()];
    return {
      target: () => ({ engine: "postgres", urls, prefix: crypto.randomUUID() }),
      [Symbol.asyncDispose]: () => running.disposeAsync(),
    };
  } catch (error) {
    await running.disposeAsync();
    throw error;
  }
}
