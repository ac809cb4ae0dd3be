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
export * from "../cluster/mod.ts";
