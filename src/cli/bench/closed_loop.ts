// SPDX-License-Identifier: Apache-2.0

import type { ClosedLoop } from "./load_options.ts";
import type { LoopRun } from "./loop_run.ts";

/** How long a caller waits after a failed call, in milliseconds, so that a dead server cannot make it spin. */
const PAUSE_MS = 100;

/**
 * Lets callers ask again and again. A caller begins its next call when it has its answer, so a slow answer
 * also means fewer calls: latencies of a closed loop say nothing about callers who do not wait.
 */
export async function runClosedLoop({ callers }: ClosedLoop, run: LoopRun): Promise<void> {
  await Promise.all(Array.from({ length: callers }, () => callInTurn(run)));
}

async function callInTurn(run: LoopRun): Promise<void> {
  const { target, batch, measurement, clock } = run;
  const caller = measurement.addCaller();
  let nowMs = clock.monotonicMs();
  while (nowMs < measurement.endMs) {
    measurement.begin(caller, nowMs);
    try {
      nowMs = measurement.answered(caller, await target.getTs(batch));
    } catch (error) {
      measurement.failed(caller, error);
      await run.pause(PAUSE_MS);
      nowMs = clock.monotonicMs();
    }
  }
}
