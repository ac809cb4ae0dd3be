// SPDX-License-Identifier: Apache-2.0

import type { ServiceImpl } from "@connectrpc/connect";
import { TsoService } from "../gen/tsoracle/v1/tso_pb.ts";
import type { CallLimits } from "./connect_options.ts";
import { serviceOptions } from "./connect_options.ts";
import { FaultLog } from "./fault_log.ts";
import { leaseMethods } from "./lease_methods.ts";
import { sequenceMethods } from "./sequence_methods.ts";
import { statusOf } from "./status.ts";
import { timestampMethods } from "./timestamp_methods.ts";
import type { TimestampSource } from "./timestamp_source.ts";

/** The part of a Connect router that {@linkcode routes} uses; a `ConnectRouter` is one. */
export interface ServiceRegistry {
  /** Registers the implementation of a service. */
  service(descriptor: object, implementation: object, options?: object): unknown;
}

/** Mounts services in a router: what Connect's adapters take as `routes`. */
export type Routes = (router: ServiceRegistry) => void;

/**
 * Mounts the oracle in a Connect server of your own. Limits and JSON options come with the service and
 * stand above those of the server.
 *
 * @example
 * ```ts
 * import { connectNodeAdapter } from "@connectrpc/connect-node";
 * import { MemoryDriver } from "@tsoracle/tsoracle/drivers/memory";
 * import { Oracle } from "@tsoracle/tsoracle/server";
 * import { routes } from "@tsoracle/tsoracle";
 *
 * await using oracle = new Oracle({ driver: new MemoryDriver() });
 * const handler = connectNodeAdapter({ routes: routes(oracle) });
 * ```
 *
 * @throws {RangeError} if a limit is out of its range
 */
export function routes(oracle: TimestampSource, limits: CallLimits = {}): Routes {
  const options = serviceOptions(limits);
  return (router) => {
    router.service(TsoService, implement(oracle), options);
  };
}

function implement(oracle: TimestampSource): ServiceImpl<typeof TsoService> {
  const faults = new FaultLog();
  const report = (error: unknown) => faults.report(error);
  const fail = (error: unknown): never => {
    throw statusOf(error, report);
  };
  return {
    ...timestampMethods(oracle, fail),
    ...sequenceMethods(oracle.sequences, fail),
    ...leaseMethods(oracle.leases, fail),
  };
}
