// SPDX-License-Identifier: Apache-2.0

import type { OpenLoop } from "./load_options.ts";
import type { LoopRun } from "./loop_run.ts";
import type { LoadCaller } from "./measurement.ts";

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
  const idle: LoadCaller[] = [];
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
      const caller = idle.pop() ?? measurement.addCaller();
      measurement.begin(caller, dueMs());
      measurement.recordLateness(dueMs());
      const call = answer(caller, run);
      calls.add(call);
      void call.then(() => {
        calls.delete(call);
        idle.push(caller);
      });
    }
    if (dueMs() >= measurement.endMs) break;
    // Beginning calls takes time too.
    await run.pause(Math.max(0, dueMs() - clock.monotonicMs()));
  }
  await Promise.all(calls);
}

/** Never rejects. */
async function answer(caller: LoadCaller, run: LoopRun): Promise<void> {
  const { target, batch, measurement } = run;
  try {
    measurement.answered(caller, await target.getTs(batch));
  } catch (error) {
    measurement.failed(caller, error);
  }
}
