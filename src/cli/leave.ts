// SPDX-License-Identifier: Apache-2.0

import process from "node:process";
import { setTimeout } from "node:timers";
import { EXIT } from "./errors.ts";

/** How long a process that has failed may still write what it has to say, in milliseconds. */
const LINGER_MS = 1_000;

/**
 * Ends the process with a code: once nothing is open any more, after a failure within a second in any case,
 * and above 128 at once, because a second signal asked not to wait.
 */
export function leave(code: number): void {
  process.exitCode = code;
  if (code > 128) endNow(code);
  else if (code !== EXIT.ok) setTimeout(() => endNow(code), LINGER_MS).unref();
}

/** At its exit Node waits for the threads on the disk, and so for ever if the disk hangs. */
function endNow(code: number): void {
  if (waitsForDisk()) process.kill(process.pid, "SIGKILL");
  process.exit(code);
}

function waitsForDisk(): boolean {
  if (process.versions["deno"] !== undefined) return false;
  return process.getActiveResourcesInfo().some((name) => name.startsWith("FSReq"));
}
