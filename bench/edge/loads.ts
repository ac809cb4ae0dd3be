// SPDX-License-Identifier: Apache-2.0

import { outputOf } from "../process/output_of.ts";
import { runBenchCommand } from "../process/bench_process.ts";
import type { Pin } from "../process/pinned.ts";
import type { GrpcJsPlan } from "./load/grpc_js.ts";
import type { H2load, LoadCount, Shape, Until } from "./load/h2load.ts";
import { nameOf } from "./load/h2load.ts";
import type { Runner } from "./runners.ts";
import type { MeasuredServer, ServerName } from "./servers.ts";
import { SERVER_NAMES } from "./servers.ts";

/** Who asks. */
export type LoadName =
  | "h2load"
  | "h2load, grpc-timeout"
  | "h2load, connections"
  | "grpc-js"
  | "grpc-js, deadlines"
  | "client";

/** One way to ask the servers. */
export interface Load {
  readonly name: LoadName;
  /** How many ask, for the report. */
  readonly shape: string;
  /** Whom it asks. */
  readonly servers: readonly ServerName[];
  readonly run: (server: MeasuredServer) => Promise<LoadCount>;
}

/** The servers that answer what was asked. */
const REAL_SERVERS: readonly ServerName[] = ["adapter", "by hand", "edge"];
/** Long enough for all of them. */
const TIMEOUT = "5S";

/** How long a load asks, in milliseconds. */
export interface LoadTimes {
  readonly warmUpMs: number;
  readonly measureMs: number;
}

/** h2load, which all servers are asked by, with and without a deadline. */
export function h2loads(
  h2load: H2load,
  shapes: readonly Shape[],
  until: Until,
): readonly Load[] {
  const loadOf = (shape: Shape, timeout: string | undefined): Load => ({
    name: timeout === undefined ? "h2load" : "h2load, grpc-timeout",
    shape: nameOf(shape),
    servers: timeout === undefined ? SERVER_NAMES : REAL_SERVERS,
    run: ({ process: { port } }) => h2load.run({ port, ...shape, until, timeout }),
  });
  return [undefined, TIMEOUT].flatMap((timeout) => shapes.map((shape) => loadOf(shape, timeout)));
}

/** h2load with few and with many connections; making them takes its part of the time. */
export function connectionLoads(
  h2load: H2load,
  shapes: readonly Shape[],
  until: Until,
): readonly Load[] {
  return shapes.map((shape): Load => ({
    name: "h2load, connections",
    shape: nameOf(shape),
    servers: SERVER_NAMES,
    run: ({ process: { port } }) => h2load.run({ port, ...shape, until }),
  }));
}

/** @grpc/grpc-js, on the runtime that is given, without deadlines and with another one for each call. */
export function grpcJsLoads(
  runner: Runner,
  shapes: readonly Shape[],
  options: LoadTimes & { readonly pin: Pin },
): readonly Load[] {
  const { pin, warmUpMs, measureMs } = options;
  const loadOf = (shape: Shape, hasDeadlines: boolean): Load => ({
    name: hasDeadlines ? "grpc-js, deadlines" : "grpc-js",
    shape: nameOf(shape),
    servers: REAL_SERVERS,
    run: async ({ process: { port } }) => {
      const plan: GrpcJsPlan = { port, ...shape, warmUpMs, measureMs, hasDeadlines };
      const program = runner.program("grpcJs", [JSON.stringify(plan)]);
      return JSON.parse(await outputOf(pin("load", program)));
    },
  });
  return [false, true].flatMap((hasDeadlines) =>
    shapes.map((shape) => loadOf(shape, hasDeadlines))
  );
}

/** The client of this package, one for all callers. */
export function clientLoads(
  callers: readonly number[],
  options: LoadTimes & { readonly pin: Pin },
): readonly Load[] {
  const { pin, warmUpMs, measureMs } = options;
  return callers.map((count): Load => ({
    name: "client",
    shape: count === 1 ? "1 caller" : `${count} callers`,
    servers: REAL_SERVERS,
    run: async ({ process: { port } }) => {
      const output = await runBenchCommand([
        `--endpoint=127.0.0.1:${port}`,
        `--callers=${count}`,
        `--warmup=${warmUpMs}ms`,
        `--duration=${measureMs}ms`,
      ], pin);
      const [error] = output.errors;
      const wrong = output.violations + output.wentBack;
      const failures = output.errors.reduce((sum, each) => sum + each.count, wrong);
      const successes = Math.round(output.callsPerSecond * measureMs / 1_000);
      // Callers of the same moment share a request.
      const counts = { successes, failures, requests: 1, perSecond: output.callsPerSecond };
      return error === undefined ? counts : { ...counts, firstFailure: error.message };
    },
  }));
}
