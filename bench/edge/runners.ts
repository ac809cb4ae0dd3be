// SPDX-License-Identifier: Apache-2.0

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { outputOf } from "../process/output_of.ts";
import type { Program } from "../process/server_process.ts";

/** What a program runs on. */
export type Runtime = "deno" | "node";

const SOURCES = {
  targets: fileURLToPath(new URL("./targets/main.ts", import.meta.url)),
  grpcJs: fileURLToPath(new URL("./load/grpc_js.ts", import.meta.url)),
  echo: fileURLToPath(new URL("./load/echo.ts", import.meta.url)),
} as const;

/** A program of this directory. */
export type ProgramName = keyof typeof SOURCES;

/** A runtime that is on this machine. */
export interface Runner {
  readonly runtime: Runtime;
  /** The command line of a program. */
  readonly program: (name: ProgramName, args: readonly string[]) => Program;
}

/** Runs the sources. */
export const DENO: Runner = {
  runtime: "deno",
  program: (name, args) => ({
    file: Deno.execPath(),
    args: ["run", "-A", SOURCES[name], ...args],
  }),
};

/**
 * Bundles the programs for Node.
 *
 * @param directory where to put the bundles
 * @returns undefined if there is no Node on this machine
 */
export async function findNode(directory: string): Promise<Runner | undefined> {
  if (!await hasNode()) return undefined;
  const bundleOf = (name: ProgramName) => join(directory, `${name}.mjs`);
  for (const name of Object.keys(SOURCES) as ProgramName[]) {
    const args = ["bundle", "-q", SOURCES[name], "-o", bundleOf(name)];
    await outputOf({ file: Deno.execPath(), args });
  }
  return {
    runtime: "node",
    program: (name, args) => ({ file: "node", args: [bundleOf(name), ...args] }),
  };
}

async function hasNode(): Promise<boolean> {
  try {
    await outputOf({ file: "node", args: ["--version"] });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
