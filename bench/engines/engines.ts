// SPDX-License-Identifier: Apache-2.0

import { join } from "node:path";
import { ETCD_MISSING, EtcdCluster } from "../../tests/_support/engines/etcd_cluster.ts";
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
