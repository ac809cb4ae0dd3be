// SPDX-License-Identifier: Apache-2.0

import { parseArgs } from "node:util";

/** What `deno task bench:edge` was asked for. */
export interface EdgeBenchOptions {
  /** How thorough to be. */
  readonly length: "quick" | "full" | "long";
  /** Name of the edge to measure; empty for the one that `serve` uses by default. */
  readonly edge: string;
  /** Where to write what was found, as JSON. */
  readonly json?: string;
}

/** Help text of the task. */
export const USAGE = `deno task bench:edge [--quick | --long] [--edge NAME] [--json FILE]

  --quick  about a minute; for a look while something is changed, not for quoting
  --long   also the memory of 10 million calls, which takes up to 20 minutes more
  --edge   which edge of serve() to measure (default: the one that it uses by default)
  --json   also write everything that was found to a file
`;

/**
 * Reads the command line.
 *
 * @throws {TypeError} if a flag is unknown or lacks its value, or two contradict each other
 */
export function readEdgeOptions(args: readonly string[]): EdgeBenchOptions | "help" {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      long: { type: "boolean", default: false },
      edge: { type: "string", default: "" },
      json: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const { quick, long, edge, json, help } = values;
  if (help) return "help";
  if (quick && long) throw new TypeError("Cannot be both --quick and --long: leave one out");
  const length = quick ? "quick" : long ? "long" : "full";
  return { length, edge, ...json === undefined ? {} : { json } };
}
