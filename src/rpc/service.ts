// SPDX-License-Identifier: Apache-2.0

import { create } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { Grant } from "../core/allocator.ts";
import { epochToHalves } from "../core/epoch.ts";
import {
  GetCurrentMaxSafeResponseSchema,
  GetTsResponseSchema,
  TsoService,
} from "../gen/tsoracle/v1/tso_pb.ts";
import type {
  GetCurrentMaxSafeResponse,
  GetTsRequest,
  GetTsResponse,
} from "../gen/tsoracle/v1/tso_pb.ts";
import type { CallLimits } from "./connect_options.ts";
import { serviceOptions } from "./connect_options.ts";
import { FaultLog } from "./fault_log.ts";
import { statusOf } from "./status.ts";
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
    // Not async: while the window has room, an answer costs no promise of ours.
    getTs(request: GetTsRequest, context: HandlerContext): GetTsResponse | Promise<GetTsResponse> {
      try {
        const grant = oracle.getTs(request.count, { signal: context.signal });
        return grant instanceof Promise
          ? grant.then(grantMessage).catch(fail)
          : grantMessage(grant);
      } catch (error) {
        return fail(error);
      }
    },

    getCurrentMaxSafe(): GetCurrentMaxSafeResponse {
      try {
        return maxSafeMessage(oracle);
      } catch (error) {
        return fail(error);
      }
    },
  };
}

function grantMessage(grant: Grant): GetTsResponse {
  const { hi, lo } = epochToHalves(grant.epoch);
  return create(GetTsResponseSchema, {
    physicalMs: BigInt(grant.physicalMs),
    logicalStart: grant.logicalStart,
    count: grant.count,
    epochHi: hi,
    epochLo: lo,
  });
}

function maxSafeMessage(oracle: TimestampSource): GetCurrentMaxSafeResponse {
  const { physicalMs, epoch } = oracle.currentMaxSafe();
  const { hi, lo } = epochToHalves(epoch);
  return create(GetCurrentMaxSafeResponseSchema, {
    maxSafePhysicalMs: BigInt(physicalMs),
    epochHi: hi,
    epochLo: lo,
  });
}
