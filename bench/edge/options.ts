// SPDX-License-Identifier: Apache-2.0

import { parseArgs } from "node:util";
import type { EdgeName } from "../../src/net/mod.ts";
import { DEFAULT_EDGE, EDGE_NAMES } from "../../src/net/mod.ts";

/** What `deno task bench:edge` was asked for. */
export interface EdgeBenchOptions {
  /** How thorough to be. */
  readonly length: "quick" | "full" | "long";
  /** Which edge of `serve()` to measure. */
  readonly edge: EdgeName;
  /** Where to write what was found, as JSON. */
  readonly json?: string;
}

/** Help text of the task. */
export const USAGE = `deno task bench:edge [--quick | --long] [--edge NAME] [--json FILE]

  --quick  about a minute; for a look while something is changed, not for quoting
  --long   also the memory of 10 million calls, which takes up to 20 minutes more
  --edge   which edge of serve() to measure: ${EDGE_NAMES.join(" or ")} (default: ${DEFAULT_EDGE})
  --json   also write everything that was found to a file
`;

/**
 * Reads the command line.
 *
 * @throws {TypeError} if a flag is unknown or lacks its value, two contradict each other, or there is no such edge
 */
export function readEdgeOptions(args: readonly string[]): EdgeBenchOptions | "help" {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      long: { type: "boolean", default: false },
      edge: { type: "string", default: DEFAULT_EDGE },
      json: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const { quick, long, edge, json, help } = values;
  if (help) return "help";
  if (quick && long) throw new TypeError("Cannot be both --quick and --long: leave one out");
  const length = quick ? "quick" : long ? "long" : "full";
  return { length, edge: readEdge(edge), ...json === undefined ? {} : { json } };
}

/**
 * Reads the name of an edge.
 *
 * @throws {TypeError} if there is none of this name
 */
export function readEdge(name: string): EdgeName {
  const edge = EDGE_NAMES.find((each) => each === name);
  if (edge !== undefined) return edge;
  throw new TypeError(
    `Cannot measure as 'edge' must be ${EDGE_NAMES.join(" or ")}: current value is ${name}`,
  );
}
