// SPDX-License-Identifier: Apache-2.0

import { SystemClock } from "../../../../src/clock/system_clock.ts";
import { TransientError, UnavailableError } from "../../../../src/consensus/errors.ts";
import type { Epoch } from "../../../../src/core/epoch.ts";
import type {
  Claim,
  ClusterStore,
  StoreCallOptions,
  Term,
} from "../../../../src/drivers/cluster/store.ts";
import { PostgresStore } from "../../../../src/drivers/postgres/store.ts";
import type { PostgresStoreOptions } from "../../../../src/drivers/postgres/store.ts";
import { parseTargets } from "../../../../src/drivers/postgres/target.ts";
import type { PostgresServer } from "../../../_support/engines/postgres_server.ts";

/** Long enough for a machine that does much else. */
export const CALM: StoreCallOptions = { timeoutMs: 30_000 };

/** What a test may choose of a store. */
export type StoreChoices = Partial<PostgresStoreOptions> & {
  /** Where to connect; by default the server that is given. */
  readonly urls?: readonly string[];
};

/** A store on a server, which its test closes. */
export function storeOn(server: PostgresServer, choices: StoreChoices = {}): OpenStore {
  return new OpenStore({
    targets: parseTargets(choices.urls ?? [server.url()], "none"),
    certificates: {},
    clock: new SystemClock(),
    acceptAsynchronousReplication: false,
    name: "tsoracle",
    pollMs: 50,
    checkMs: 60_000,
    watchTimeoutMs: 5_000,
    ...choices,
  });
}

/** A store that is closed at the end of its scope. */
export class OpenStore extends PostgresStore implements AsyncDisposable {
  /** Closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** A store through which a term was begun. */
export interface LeadingStore extends OpenStore {
  /** The epoch of the term. */
  readonly epoch: Epoch;
}

/** A store on a server, prepared, through which a term was begun; its test closes it. */
export async function leadingStore(
  server: PostgresServer,
  choices: StoreChoices = {},
): Promise<LeadingStore> {
  const store = storeOn(server, choices);
  try {
    await store.prepare(CALM);
    const { epoch } = await takeLead(store);
    return Object.assign(store, { epoch });
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** For a call that is expected to run out of time. */
export const BRIEF: StoreCallOptions = { timeoutMs: 400 };

/** A claim of a node that does not exist. */
export function claimOf(id: string): Claim {
  return { id, endpoint: { host: "10.0.0.7", port: 50_551 } };
}

/** Takes the leadership over from whoever has it. @returns the new term */
export async function takeLead(store: ClusterStore, id = "claim"): Promise<Term> {
  const seen = await store.readStanding(CALM);
  const standing = await store.takeOver(seen, claimOf(id), CALM);
  if (standing?.term === undefined) throw new Error("another standing was found");
  return standing.term;
}

/** Calls until it does not fail with a fault that passes. */
export async function persistently<T>(call: () => Promise<T>): Promise<T> {
  for (let left = 300;; left--) {
    try {
      return await call();
    } catch (error) {
      const passes = error instanceof TransientError || error instanceof UnavailableError;
      if (left === 0 || !passes) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
