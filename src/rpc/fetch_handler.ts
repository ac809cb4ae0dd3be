// SPDX-License-Identifier: Apache-2.0

import {
  universalServerRequestFromFetch,
  universalServerResponseToFetch,
} from "@connectrpc/connect/protocol";
import type { CallLimits } from "./connect_options.ts";
import { createDispatcher } from "./dispatcher.ts";
import { FaultLog } from "./fault_log.ts";
import { refuse } from "./refusal.ts";
import type { ReadinessSource } from "./readiness.ts";
import type { TimestampSource } from "./timestamp_source.ts";

/** Options of {@linkcode createFetchHandler}. */
export interface FetchHandlerOptions extends CallLimits {
  /**
   * How many may watch the health at a time.
   *
   * @default {250}
   */
  readonly maxWatches?: number;
  /**
   * Fires when calls under way must end now; its reason is their status if it is a `ConnectError`. The health
   * service says NOT_SERVING from then on.
   */
  readonly shutdownSignal?: AbortSignal;
}

/**
 * Serves the oracle where a server is a function from `Request` to `Response`: `Deno.serve`, serverless
 * platforms, tests. It speaks Connect and gRPC-Web, with health and reflection. gRPC needs trailers, which a `Response` does not have;
 * a gRPC client gets UNIMPLEMENTED with a message that says so.
 *
 * An answer of GetTs whose leadership has ended since the grant is replaced by a refusal, up to the moment at which the
 * handler returns it.
 *
 * @example
 * ```ts
 * import { createFetchHandler, MemoryDriver, Oracle } from "@tsoracle/tsoracle";
 * import assert from "node:assert/strict";
 *
 * await using oracle = new Oracle({ driver: new MemoryDriver() });
 * await oracle.untilServing();
 * const handler = createFetchHandler(oracle); // for Deno.serve(handler)
 * const url = "http://127.0.0.1/tsoracle.v1.TsoService/GetCurrentMaxSafe";
 * assert.equal((await handler(new Request(url))).status, 200);
 * ```
 *
 * @throws {RangeError} if a limit is out of its range
 */
export function createFetchHandler(
  oracle: TimestampSource & ReadinessSource,
  options: FetchHandlerOptions = {},
): (request: Request) => Promise<Response> {
  const dispatch = createDispatcher(oracle, {
    ...options,
    grpc: false,
    drainSignal: options.shutdownSignal,
  });
  const faults = new FaultLog();
  const handle = async (request: Request): Promise<Response> => {
    try {
      const asked = universalServerRequestFromFetch(request, {});
      const answer = await dispatch(asked);
      const { lateCheck } = answer;
      const isLate = lateCheck !== undefined && !lateCheck.holds();
      return universalServerResponseToFetch(isLate ? await lateCheck.instead(asked) : answer);
    } catch (error) {
      faults.report(error);
      const refusal = { status: 500, text: "internal error" } as const;
      return universalServerResponseToFetch(refuse(refusal, request.headers.get("content-type")));
    }
  };
  return handle;
}
