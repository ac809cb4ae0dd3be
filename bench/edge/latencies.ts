// SPDX-License-Identifier: Apache-2.0

import type { Cell, CellResult, LoadResult, Plan } from "../load/plan.ts";
import { generateLoad } from "../process/load_process.ts";
import type { Pin } from "../process/pinned.ts";
import type { Runtime } from "./runners.ts";
import type { MeasuredServer, ServerName } from "./servers.ts";

/** Calls under way at a time. */
export const LATENCY_CALLERS: readonly number[] = [1, 16];

/** Latencies of one server. */
export interface LatencyCell extends CellResult {
  readonly runtime: Runtime;
  readonly server: ServerName;
}

/** What the load generator of `deno task bench` found. */
export interface LatencyResult extends Pick<LoadResult, "checkedAnswers" | "violations"> {
  readonly cells: readonly LatencyCell[];
}

/**
 * Times each call of a closed loop on one connection, every answer decoded and checked for order. The ceiling is left
 * out, as it repeats itself.
 */
export async function measureLatencies(
  servers: readonly MeasuredServer[],
  plan: Omit<Plan, "cells">,
  pin: Pin,
): Promise<LatencyResult> {
  const asked = LATENCY_CALLERS.flatMap((concurrency) =>
    servers.filter(({ name }) => name !== "ceiling").map((server) => ({ server, concurrency }))
  );
  const cells = asked.map(({ server, concurrency }): Cell => ({
    target: `${server.runtime}, ${server.name}`,
    port: server.process.port,
    protocol: "grpc",
    concurrency,
  }));
  const { cells: results, ...checks } = await generateLoad({ ...plan, cells }, pin);
  return {
    ...checks,
    cells: results.flatMap((cell, index) => {
      const server = asked[index]?.server;
      return server === undefined
        ? []
        : [{ ...cell, runtime: server.runtime, server: server.name }];
    }),
  };
}
