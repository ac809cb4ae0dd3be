// SPDX-License-Identifier: Apache-2.0

import type { OpenLoop } from "./load_options.ts";
import type { LoopRun } from "./loop_run.ts";

const MS_PER_SECOND = 1_000;

/**
 * Begins calls at times that are fixed in advance, whatever comes of the earlier ones. The latency of a call
 * counts from when it was due: if the server pauses, every call that was due meanwhile has waited, although
 * none could be sent (coordinated omission).
 *
 * It resolves when every call that was due has ended.
 */
export async function runOpenLoop(loop: OpenLoop, run: LoopRun): Promise<void> {
  const { measurement, clock } = run;
  const stepMs = MS_PER_SECOND / loop.perSecond;
  const calls = new Set<Promise<void>>();
  let next = 0;
  // A product, not a sum: no error adds up over a long run.
  const dueMs = () => measurement.beganMs + next * stepMs;
  for (;;) {
    const nowMs = clock.monotonicMs();
    for (; dueMs() <= nowMs && dueMs() < measurement.endMs; next++) {
      if (measurement.open >= loop.maxOutstanding) {
        measurement.countNotStarted(dueMs());
        continue;
      }
      const call = callOnce(run, dueMs());
      calls.add(call);
      void call.then(() => calls.delete(call));
    }
    if (dueMs() >= measurement.endMs) break;
    // Beginning calls takes time too.
    await run.pause(Math.max(0, dueMs() - clock.monotonicMs()));
  }
  await Promise.all(calls);
}

/** Never rejects. */
async function callOnce(
  { target, batch, measurement }: LoopRun,
  dueMs: number,
): Promise<void> {
  const call = measurement.begin(dueMs);
  measurement.recordLateness(dueMs);
  try {
    measurement.answered(call, await target.getTs(batch));
  } catch (error) {
    measurement.failed(call, error);
  }
}
