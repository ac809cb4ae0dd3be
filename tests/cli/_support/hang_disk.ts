// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { join } from "node:path";
import { runCli } from "./run_cli.ts";

/** Flags of a server that writes often and does not wait long at its end. */
export const HASTY = [
  ...["--window-ahead", "50ms", "--failover-advance", "1ms"],
  ...["--shutdown-grace", "50ms"],
] as const;

const MAX_ROUNDS = 1_000;

/**
 * Puts a pipe where a server writes its state next. To open a pipe that nobody reads waits for ever, as a
 * disk that hangs does. Returns once a call is not answered any more: then the write waits.
 */
export async function hangDisk(directory: string, address: string): Promise<void> {
  const pipe = join(directory, "state.tmp");
  for (let round = 0; round < MAX_ROUNDS; round++) {
    // A write under way may hold the name, or move the pipe away with its rename: then once more.
    await new Deno.Command("mkfifo", { args: [pipe], stderr: "null" }).output();
    const get = await runCli(["get", "--endpoint", address, "--timeout", "4s"]);
    if (get.code !== 0) return;
  }
  assert.fail(`${address} went on to write`);
}
