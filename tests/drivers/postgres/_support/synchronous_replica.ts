// SPDX-License-Identifier: Apache-2.0

import type { PostgresServer } from "../../../_support/engines/postgres_server.ts";

/** A replica of a primary that confirms each of its commits from now on. */
export async function synchronousReplica(primary: PostgresServer): Promise<PostgresServer> {
  const replica = await primary.replica("one");
  try {
    await primary.set("synchronous_standby_names", "one");
    await primary.until("select sync_state from pg_stat_replication", "sync");
    return replica;
  } catch (error) {
    await replica[Symbol.asyncDispose]();
    throw error;
  }
}
