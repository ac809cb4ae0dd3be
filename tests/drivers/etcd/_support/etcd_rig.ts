// SPDX-License-Identifier: Apache-2.0

import { SystemClock } from "../../../../src/clock/system_clock.ts";
import { TransientError } from "../../../../src/consensus/errors.ts";
import type { Clock } from "../../../../src/core/clock.ts";
import type { Term } from "../../../../src/drivers/cluster/store.ts";
import { EtcdClient } from "../../../../src/drivers/etcd/client.ts";
import { EtcdStore } from "../../../../src/drivers/etcd/store.ts";
import type { TlsCertificates } from "../../../../src/grpc/tls_certificates.ts";

/** Long enough for a machine that is busy with other tests. */
export const CALM = { timeoutMs: 20_000 } as const;

/** Options of {@linkcode openStore}. */
export interface OpenStoreOptions {
  readonly urls: readonly string[];
  readonly prefix?: string;
  readonly tls?: TlsCertificates;
  readonly clock?: Clock;
  readonly watchTimeoutMs?: number;
}

/** A store that closes with its scope. */
export class OpenStore extends EtcdStore implements AsyncDisposable {
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** A store of an oracle of its own: another prefix each time, unless one is given. */
export function openStore(options: OpenStoreOptions): OpenStore {
  const { urls, tls, clock = new SystemClock(), watchTimeoutMs = 2_000 } = options;
  const client = new EtcdClient({ urls, tls, clock });
  const prefix = options.prefix ?? `test-${crypto.randomUUID()}`;
  return new OpenStore({ client, prefix, clock, watchTimeoutMs });
}

/** Makes the store's keys and begins a term. */
export async function leadStore(store: EtcdStore): Promise<Term> {
  await store.prepare(CALM);
  const claim = { id: crypto.randomUUID(), endpoint: { host: "oracle", port: 1 } };
  const led = await store.takeOver(await store.readStanding(CALM), claim, CALM);
  if (led?.term === undefined) throw new Error("another was quicker");
  return led.term;
}

const ELECTION_ATTEMPTS = 100;

/** Repeats a call while etcd elects a leader; nothing it says meanwhile may come from a member that is paused. */
export async function whileElecting<T>(paused: string, call: () => Promise<T>): Promise<T> {
  for (let left = ELECTION_ATTEMPTS;; left--) {
    try {
      return await call();
    } catch (error) {
      const isPassing = error instanceof TransientError && !error.message.includes(paused);
      if (!isPassing || left === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
