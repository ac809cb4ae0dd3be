// SPDX-License-Identifier: Apache-2.0

import { SystemClock } from "../../../../src/clock/system_clock.ts";
import type { StoreCallOptions } from "../../../../src/drivers/cluster/store.ts";
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
    targets: parseTargets(choices.urls ?? [server.url()]),
    tls: undefined,
    applicationName: "tsoracle",
    clock: new SystemClock(),
    acceptAsynchronousReplication: false,
    name: "tsoracle",
    pollMs: 50,
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
