// SPDX-License-Identifier: Apache-2.0

import { Code, ConnectError } from "@connectrpc/connect";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { create } from "@bufbuild/protobuf";
import {
  Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
  HealthCheckResponseSchema,
} from "../gen/grpc/health/v1/health_pb.ts";
import type { HealthCheckRequest, HealthCheckResponse } from "../gen/grpc/health/v1/health_pb.ts";
import { TsoService } from "../gen/tsoracle/v1/tso_pb.ts";
import type { CallLimits } from "./connect_options.ts";
import { checkLimit, serviceOptions } from "./connect_options.ts";
import type { ReadinessSource } from "./readiness.ts";
import { ReadinessFeed } from "./readiness_feed.ts";
import type { LifecycleSignals } from "./readiness_feed.ts";
import type { Routes } from "./service.ts";
import { shuttingDown } from "./status.ts";

/** Options of {@linkcode healthRoutes}. */
export interface HealthOptions extends CallLimits, LifecycleSignals {
  /**
   * How many may watch at a time. A watch has no end of its own and holds its connection.
   *
   * @default {250}
   */
  readonly maxWatches?: number;
}

/** Most watches by default: a quarter of the connections that `serve` takes by default. */
const DEFAULT_MAX_WATCHES = 250;

/** What can be asked about: the server as a whole, which has no name, and the oracle. */
const SERVICES: readonly string[] = ["", TsoService.typeName];

/**
 * Mounts `grpc.health.v1.Health` in a Connect server of your own. It says what `/readyz` of `serve` says:
 * SERVING on a node that grants, and on one that knows who does and sends callers there.
 *
 * @example
 * ```ts
 * import { connectNodeAdapter } from "@connectrpc/connect-node";
 * import { healthRoutes, MemoryDriver, Oracle, routes } from "@tsoracle/tsoracle";
 *
 * await using oracle = new Oracle({ driver: new MemoryDriver() });
 * const mount = [routes(oracle), healthRoutes(oracle)];
 * const handler = connectNodeAdapter({ routes: (router) => mount.forEach((each) => each(router)) });
 * ```
 *
 * @throws {RangeError} if a limit is out of its range
 */
export function healthRoutes(oracle: ReadinessSource, options: HealthOptions = {}): Routes {
  const { closingSignal, drainSignal, maxWatches = DEFAULT_MAX_WATCHES, ...limits } = options;
  checkLimit("maxWatches", maxWatches, Number.MAX_SAFE_INTEGER);
  const connectOptions = serviceOptions(limits);
  const feed = new ReadinessFeed(oracle, { closingSignal, drainSignal });
  return (router) => {
    router.service(Health, healthMethods(feed, maxWatches), connectOptions);
  };
}

/** Answers the methods of the health service from a feed, which so many may watch at a time. */
export function healthMethods(
  feed: ReadinessFeed,
  maxWatches = DEFAULT_MAX_WATCHES,
): ServiceImpl<typeof Health> {
  return {
    check({ service }: HealthCheckRequest): HealthCheckResponse {
      if (!SERVICES.includes(service)) throw unknownService(service);
      return create(HealthCheckResponseSchema, { status: statusOf(feed.isReady) });
    },

    async *watch(
      { service }: HealthCheckRequest,
      { signal }: HandlerContext,
    ): AsyncGenerator<HealthCheckResponse, void, undefined> {
      if (feed.watchers >= maxWatches) throw tooManyWatches(maxWatches);
      const isKnown = SERVICES.includes(service);
      let said: ServingStatus | undefined;
      for await (const ready of feed.watch(signal)) {
        const status = isKnown ? statusOf(ready) : ServingStatus.SERVICE_UNKNOWN;
        if (status === said) continue;
        said = status;
        yield create(HealthCheckResponseSchema, { status });
      }
      throw shuttingDown();
    },
  };
}

function statusOf(ready: boolean): ServingStatus {
  return ready ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
}

function tooManyWatches(maxWatches: number): ConnectError {
  return new ConnectError(
    `as many clients watch the health as may, ${maxWatches}: ask with Check, or raise the maximum (--max-watches)`,
    Code.ResourceExhausted,
  );
}

function unknownService(service: string): ConnectError {
  const known = SERVICES.map((name) => JSON.stringify(name)).join(" or ");
  return new ConnectError(
    `Cannot tell the health of ${JSON.stringify(service)}: ask for ${known}`,
    Code.NotFound,
  );
}
