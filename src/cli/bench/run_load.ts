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
const NEVER = new AbortController().signal;

/** What a run came to. */
export interface LoadReport extends MeasuredFigures {
  /** Whether it was ended before its time. */
  readonly endedEarly: boolean;
  /** Calls answered in a second of the measured time. */
  readonly callsPerSecond: number;
  /** Timestamps received in a second of the measured time. */
  readonly timestampsPerSecond: number;
  /** Answers that the target threw away because they went behind what had been received before. */
  readonly wentBack: number;
}

/**
 * Puts a target under load, measures, and checks each answer (behaviour.md 11.4 for the closed loop: latency
 * of each call, warm-up excluded, throughput over the time after it).
 *
 * @throws {RangeError} if an option is out of range
 */
export async function runLoad(target: Target, options: LoadOptions): Promise<LoadReport> {
  checkOptions(options);
  const { loop, batch, clock, signal = NEVER, abandon = NEVER, drainMs = DRAIN_MS } = options;
  const measurement = new Measurement(options);
  const over = new AbortController();
  const giveUp = AbortSignal.any([over.signal, abandon]);
  const ending = AbortSignal.any([giveUp, signal]);
  const wait = (ms: number, until: AbortSignal) =>
    clock.delay(Math.max(0, ms), { signal: until }).catch(() => {});
  const pause = (ms: number) => wait(ms, ending);
  const stop = () => measurement.stop();
  if (ending.aborted) stop();
  ending.addEventListener("abort", stop, { once: true });
  const patience = async () => {
    await pause(measurement.endMs - clock.monotonicMs());
    await wait(drainMs, giveUp);
  };
  const run: LoopRun = { target, batch, measurement, clock, pause };
  const calling = loop.kind === "closed" ? runClosedLoop(loop, run) : runOpenLoop(loop, run);
  const others = [patience(), report(run, { ...options, over: over.signal })];
  await Promise.race([calling, others[0]]);
  measurement.giveUp();
  ending.removeEventListener("abort", stop);
  over.abort();
  await Promise.all(others);
  return { ...summarize(measurement.figures(), options), wentBack: target.wentBack };
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

function summarize(
  figures: MeasuredFigures,
  options: LoadOptions,
): Omit<LoadReport, "wentBack"> {
  const { measuredMs, calls } = figures;
  const callsPerSecond = measuredMs === 0 ? 0 : calls / (measuredMs / 1_000);
  const timestampsPerSecond = callsPerSecond * options.batch;
  const endedEarly = isAborted(options) && measuredMs < options.durationMs;
  return { ...figures, endedEarly, callsPerSecond, timestampsPerSecond };
}

function isAborted({ signal, abandon }: LoadOptions): boolean {
  return signal?.aborted === true || abandon?.aborted === true;
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
