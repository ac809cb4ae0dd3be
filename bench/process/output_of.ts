// SPDX-License-Identifier: Apache-2.0

import type { Program } from "./server_process.ts";

/** By then everything that is run here has ended, or never will. */
const DEADLINE_MS = 300_000;

/**
 * Runs a program to its end.
 *
 * @param deadlineMs after so many milliseconds it is stopped, which fails
 * @returns what it printed
 * @throws {Error} with its complaints if it fails
 */
export async function outputOf(
  { file, args }: Program,
  deadlineMs = DEADLINE_MS,
): Promise<string> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), deadlineMs);
  const { success, code, stdout, stderr } = await new Deno.Command(file, {
    args: [...args],
    stdin: "null",
    signal: stop.signal,
  }).output();
  clearTimeout(timer);
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout);
  throw new Error(`'${file} ${args.join(" ")}' ended with ${code}: ${decoder.decode(stderr)}`);
}
