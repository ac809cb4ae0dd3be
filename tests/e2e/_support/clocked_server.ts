// SPDX-License-Identifier: Apache-2.0

// The command line has no switch for the clock. This program embeds the oracle with a clock that is wrong and
// jumps, on the file driver and the real sockets, and prints the line that `serve` prints.

import { fileURLToPath } from "node:url";
import { EDGE } from "../../_support/edge.ts";
import type { Clock } from "../../../src/core/clock.ts";
import { FileDriver } from "../../../src/drivers/file/mod.ts";
import { serve } from "../../../src/net/mod.ts";
import { Oracle, SystemClock } from "../../../src/server/mod.ts";
import { ServerProcess } from "../../_support/server_process.ts";

/** The signal at which the clock jumps. */
export const JUMP = "SIGUSR2";
const HOUR_MS = 3_600_000;
/** How far it jumps, in turn. */
const JUMPS_MS = [-HOUR_MS, 2 * HOUR_MS, -2 * HOUR_MS] as const;

/** Starts this file as a server on a wall clock that is wrong by so many milliseconds. */
export function startClockedServer(directory: string, offsetMs: number): Promise<ServerProcess> {
  const self = fileURLToPath(import.meta.url);
  const program = [Deno.execPath(), "run", "--quiet", "--no-prompt", "-A", self] as const;
  return ServerProcess.start({ directory, program, flags: ["--offset-ms", String(offsetMs)] });
}

async function main(): Promise<void> {
  const directory = valueOf("--state-dir");
  let offsetMs = Number(valueOf("--offset-ms"));
  let jumps = 0;
  Deno.addSignalListener(JUMP, () => {
    offsetMs += JUMPS_MS[jumps++ % JUMPS_MS.length] ?? 0;
  });
  const real = new SystemClock();
  const clock: Clock = {
    nowMs: () => real.nowMs() + offsetMs,
    monotonicMs: () => real.monotonicMs(),
    delay: (ms, options) => real.delay(ms, options),
  };
  const oracle = new Oracle({ driver: await FileDriver.open({ directory }), clock });
  const server = await serve(oracle, { port: 0, edge: EDGE });
  await oracle.untilServing();
  console.log(`serving on ${server.address}`);
}

function valueOf(flag: string): string {
  const value = Deno.args[Deno.args.indexOf(flag) + 1];
  if (value === undefined) throw new Error(`no ${flag}`);
  return value;
}

if (import.meta.main) await main();
