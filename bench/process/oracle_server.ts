// SPDX-License-Identifier: Apache-2.0

import { fileURLToPath } from "node:url";
import type { Program } from "./server_process.ts";
import { ServerProcess } from "./server_process.ts";

const CLI = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const MEMORY = fileURLToPath(new URL("../targets/memory_server.ts", import.meta.url));
const FLOOR = fileURLToPath(new URL("../targets/floor_server.ts", import.meta.url));

/** How to run the command line of the package. */
export type Runtime = "deno" | "node";

/** What {@linkcode startOracle} starts. */
export interface OracleServerOptions {
  /** A new directory on a disk. */
  readonly stateDir: string;
  /** A bundle of the command line for Node; without it Deno runs the source. */
  readonly bundle?: string;
  /** Further flags of `serve`. */
  readonly flags?: readonly string[];
}

/** Starts the oracle as a user would, on free ports. */
export function startOracle(options: OracleServerOptions): Promise<ServerProcess> {
  const { stateDir, bundle, flags = [] } = options;
  const args = [
    "serve",
    "--listen=127.0.0.1:0",
    "--metrics-listen=127.0.0.1:0",
    "--log-format=json",
    `--state-dir=${stateDir}`,
    ...flags,
  ];
  const program: Program = bundle === undefined
    ? { file: Deno.execPath(), args: ["run", "-A", CLI, ...args] }
    : { file: "node", args: [bundle, ...args] };
  return ServerProcess.start(program);
}

/** Starts the oracle on the memory driver. */
export function startMemoryOracle(): Promise<ServerProcess> {
  return ServerProcess.start({ file: Deno.execPath(), args: ["run", "-A", MEMORY] });
}

/** Starts the hand-written server that answers without Connect. */
export function startFloor(): Promise<ServerProcess> {
  return ServerProcess.start({ file: Deno.execPath(), args: ["run", "-A", FLOOR] });
}

/**
 * Makes one file of the command line that Node can run.
 *
 * @returns false if this machine has no Node, or Deno cannot bundle
 */
export async function bundleForNode(target: string): Promise<boolean> {
  const bundled = await succeeds(Deno.execPath(), ["bundle", "-q", CLI, "-o", target]);
  return bundled && await succeeds("node", [target, "version"]);
}

async function succeeds(file: string, args: readonly string[]): Promise<boolean> {
  const command = new Deno.Command(file, {
    args: [...args],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  });
  try {
    return (await command.output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Reads a counter from the metrics page of a server that {@linkcode startOracle} started. */
export async function readCounter(server: ServerProcess, name: string): Promise<number> {
  const address = /"message":"metrics are served".*"address":"([^"]+)"/.exec(server.log)?.[1];
  if (address === undefined) throw new Error(`The server tells no metrics address:\n${server.log}`);
  const page = await (await fetch(`http://${address}/metrics`)).text();
  const value = new RegExp(`^${name} (\\S+)$`, "m").exec(page)?.[1];
  if (value === undefined) throw new Error(`The metrics have no ${name}`);
  return Number(value);
}
