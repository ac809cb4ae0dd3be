// SPDX-License-Identifier: Apache-2.0

/**
 * A driver for several nodes that keeps the state of the oracle in etcd 3.4 or later (docs/engines.md). It runs on Deno
 * and on Node.
 *
 * @example
 * ```ts ignore
 * import { Oracle, parseEndpoint, serve } from "@tsoracle/tsoracle";
 * import { EtcdDriver } from "@tsoracle/tsoracle/drivers/etcd";
 *
 * const endpoint = parseEndpoint("10.0.0.7:50551");
 * const endpoints = ["etcd-a:2379", "etcd-b:2379", "etcd-c:2379"];
 * await using driver = new EtcdDriver({ endpoints, endpoint });
 * await using oracle = new Oracle({ driver });
 * await using server = await serve(oracle, { hostname: endpoint.host, allowInsecure: true });
 * ```
 *
 * @module
 */

export { EtcdDriver } from "./driver.ts";
export type {
  EtcdDriverOptions,
  EtcdLocation,
  EtcdRestoreOptions,
  EtcdTlsOptions,
} from "./options.ts";
export * from "../cluster/mod.ts";
