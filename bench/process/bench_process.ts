// SPDX-License-Identifier: Apache-2.0

import { fileURLToPath } from "node:url";
import type { LatencyFigures } from "../../src/cli/bench/latencies.ts";
import type { LoadError } from "../../src/cli/bench/measurement.ts";
import type { Pin } from "./pinned.ts";
import { unpinned } from "./pinned.ts";

const CLI = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** What `tsoracle bench --json` says, as far as it is used here. */
export interface BenchOutput {
  readonly callsPerSecond: number;
  readonly timestampsPerSecond: number;
  readonly latency: LatencyFigures;
  readonly errors: readonly LoadError[];
  readonly unfinished: number;
  readonly checked: number;
  readonly violations: number;
  readonly wentBack: number;
}

/**
 * Runs `tsoracle bench` as a user would, in a process of its own.
 *
 * @throws {Error} if it prints no result
 */
export async function runBenchCommand(
  flags: readonly string[],
  pin: Pin = unpinned,
): Promise<BenchOutput> {
  const { file, args } = pin("load", {
    file: Deno.execPath(),
    args: ["run", "-A", CLI, "bench", "--json", ...flags],
  });
  const command = new Deno.Command(file, { args: [...args], stdin: "null" });
  const { stdout, stderr } = await command.output();
  const text = new TextDecoder().decode(stdout);
  if (text !== "") return JSON.parse(text);
  throw new Error(`tsoracle bench ${flags.join(" ")} failed: ${new TextDecoder().decode(stderr)}`);
}
