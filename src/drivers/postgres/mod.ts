// SPDX-License-Identifier: Apache-2.0

/**
 * A driver for several nodes that keeps the state of the oracle in PostgreSQL 12 or later (docs/engines.md). It runs on Deno
 * and on Node.
 *
 * @example
 * ```ts ignore
 * import { Oracle, parseEndpoint, serve } from "@tsoracle/tsoracle";
 * import { PostgresDriver } from "@tsoracle/tsoracle/drivers/postgres";
 *
 * const endpoint = parseEndpoint("10.0.0.7:50551");
 * const urls = ["postgres://tsoracle:secret@pg-a,pg-b/tsoracle?sslmode=verify-full"];
 * await using driver = new PostgresDriver({ urls, endpoint });
 * await using oracle = new Oracle({ driver });
 * await using server = await serve(oracle, { hostname: endpoint.host, allowInsecure: true });
 * ```
 *
 * @module
 */

export { PostgresDriver } from "./driver.ts";
export type {
  PostgresDriverOptions,
  PostgresLocation,
  PostgresRestoreOptions,
  PostgresTlsOptions,
} from "./options.ts";
export { ClusterDriver } from "../cluster/driver.ts";
export type { EngineTlsOptions } from "../cluster/location.ts";
export type { ClusterDriverOptions, ClusterNodeOptions } from "../cluster/options.ts";
export type { ClusterRestoreOptions, Restored } from "../cluster/restore.ts";
export type {
  Claim,
  ClusterStore,
  LeaseWrite,
  RestoredStore,
  SequenceWrite,
  Standing,
  StandingNews,
  StoreCallOptions,
  StoredLeases,
  StoredSequences,
  SwapOutcome,
  Term,
} from "../cluster/store.ts";
