// SPDX-License-Identifier: Apache-2.0

import type { EdgeName } from "../../src/net/mod.ts";
import type { Pin } from "../process/pinned.ts";
import { ServerProcess } from "../process/server_process.ts";
import type { Runner, Runtime } from "./runners.ts";

/**
 * What is compared:
 * - `adapter`: Connect's own adapter on `node:http2`;
 * - `by hand`: GetTs by hand on the streams of `node:http2`;
 * - `edge`: the server of this package;
 * - `ceiling`: frames are parsed and a constant is answered.
 */
export type ServerName = "adapter" | "by hand" | "edge" | "ceiling";

/** All servers, in the order of the report. */
export const SERVER_NAMES: readonly ServerName[] = ["adapter", "by hand", "edge", "ceiling"];

/** A server that is measured. */
export interface MeasuredServer {
  readonly name: ServerName;
  /** What it runs on. */
  readonly runtime: Runtime;
  readonly process: ServerProcess;
  /** Calls that its oracle has granted since its start. Absent: it has none. */
  readonly grants?: () => Promise<number>;
}

/** How servers are started. */
export interface StartOptions {
  readonly runners: readonly Runner[];
  readonly pin: Pin;
  /** Of the server `edge`. */
  readonly edge: EdgeName;
}

/** Starts all servers on all runtimes. They are ended with the stack. */
export async function startServers(
  stack: AsyncDisposableStack,
  options: StartOptions,
): Promise<readonly MeasuredServer[]> {
  const { runners, pin, edge } = options;
  const servers: MeasuredServer[] = [];
  for (const runner of runners) {
    for (const name of SERVER_NAMES) {
      const program = pin("server", runner.program("targets", [name, edge]));
      const process = stack.use(await ServerProcess.start(program));
      const counter = name === "ceiling" ? {} : { grants: () => askGrants(process) };
      servers.push({ name, runtime: runner.runtime, process, ...counter });
    }
  }
  return servers;
}

async function askGrants({ log }: ServerProcess): Promise<number> {
  const port = /^grants on port (\d+)$/m.exec(log)?.[1];
  if (port === undefined) throw new Error(`The server tells no port for its grants:\n${log}`);
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
  return Number(await new Response(connection.readable).text());
}
