// SPDX-License-Identifier: Apache-2.0

import { parseArgs } from "node:util";

/** What `deno task bench` was asked for. */
export interface BenchOptions {
  /** A run of a few seconds that shows that everything works; its figures mean nothing. */
  readonly quick: boolean;
  /** Whether to print JSON instead of tables. */
  readonly json: boolean;
  /** Where to make the state directories: on the disk that is to be measured. */
  readonly directory: string;
}

/** Help text of the task. */
export const USAGE = `deno task bench [--quick] [--json] [--dir DIRECTORY]

  --quick  a run of a few seconds that shows that everything works; its figures mean nothing
  --json   JSON instead of tables
  --dir    where to make the state directories: a directory on the disk to measure (default: .)
`;

/**
 * Reads the command line.
 *
 * @throws {TypeError} if a flag is unknown or lacks its value
 */
export function readOptions(args: readonly string[]): BenchOptions | "help" {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      dir: { type: "string", default: "." },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return "help";
  return { quick: values.quick, json: values.json, directory: values.dir };
}
