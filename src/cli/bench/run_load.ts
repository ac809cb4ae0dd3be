// SPDX-License-Identifier: Apache-2.0

import { runClosedLoop } from "./closed_loop.ts";
import type { LoadOptions } from "./load_options.ts";
import type { LoopRun } from "./loop_run.ts";
import type { MeasuredFigures } from "./measurement.ts";
import { Measurement } from "./measurement.ts";
import { runOpenLoop } from "./open_loop.ts";
import type { Target } from "./target.ts";

const PROGRESS_MS = 1_000;
const DRAIN_MS = 5_000;

/** What a run came to. */
export interface LoadReport extends MeasuredFigures {
  /** Whether it was ended before its time. */
  readonly endedEarly: boolean;
  /** Calls answered in a second of the measured time. */
  readonly callsPerSecond: number;
  /** Timestamps received in a second of the measured time. */
  readonly timestampsPerSecond: number;
}

/**
 * Puts a target under load, measures, and checks each answer (behaviour.md 11.4 for the closed loop: latency
 * of each call, warm-up excluded, throughput over the time after it). It does not close the target.
 *
 * @throws {RangeError} if an option is out of range
 */
export async function runLoad(target: Target, options: LoadOptions): Promise<LoadReport> {
  checkOptions(options);
  const { loop, batch, clock, signal, drainMs = DRAIN_MS } = options;
  const measurement = new Measurement(options);
  const over = new AbortController();
  const ending = signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]);
  const pause = (ms: number) => clock.delay(ms, { signal: ending }).catch(() => {});
  const stop = () => measurement.stop();
  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop, { once: true });
  const run: LoopRun = { target, batch, measurement, clock, pause };
  const calling = loop.kind === "closed" ? runClosedLoop(loop, run) : runOpenLoop(loop, run);
  const reporting = report(run, { ...options, over: over.signal });
  const patience = async () => {
    await pause(measurement.endMs - clock.monotonicMs());
    await clock.delay(drainMs, { signal: over.signal }).catch(() => {});
  };
  const waiting = patience();
  await Promise.race([calling, waiting]);
  measurement.giveUp();
  over.abort();
  signal?.removeEventListener("abort", stop);
  await Promise.all([waiting, reporting]);
  return summarize(measurement.figures(), options);
}

async function report(
  run: LoopRun,
  options: LoadOptions & { readonly over: AbortSignal },
): Promise<void> {
  const { onProgress, over, clock } = options;
  if (onProgress === undefined) return;
  for (;;) {
    await clock.delay(PROGRESS_MS, { signal: over }).catch(() => {});
    if (over.aborted) return;
    onProgress(run.measurement.progress());
  }
}

function summarize(figures: MeasuredFigures, options: LoadOptions): LoadReport {
  const { measuredMs, calls } = figures;
  const callsPerSecond = measuredMs === 0 ? 0 : calls / (measuredMs / 1_000);
  const timestampsPerSecond = callsPerSecond * options.batch;
  const endedEarly = options.signal?.aborted === true && measuredMs < options.durationMs;
  return { ...figures, endedEarly, callsPerSecond, timestampsPerSecond };
}

function checkOptions({ loop, batch, warmUpMs, durationMs }: LoadOptions): void {
  checkWhole("batch", batch);
  if (loop.kind === "closed") checkWhole("callers", loop.callers);
  else {
    checkWhole("maxOutstanding", loop.maxOutstanding);
    checkAbove("perSecond", loop.perSecond, 0);
  }
  checkAbove("durationMs", durationMs, 0);
  if (!(warmUpMs >= 0)) {
    throw new RangeError(`Cannot use ${warmUpMs} for 'warmUpMs': it must be at least 0`);
  }
}

function checkWhole(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 1) return;
  throw new RangeError(
    `Cannot use ${value} for '${name}': it must be a whole number of at least 1`,
  );
}

function checkAbove(name: string, value: number, bound: number): void {
  if (value > bound && value < Infinity) return;
  throw new RangeError(`Cannot use ${value} for '${name}': it must be a number above ${bound}`);
}
