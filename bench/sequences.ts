// SPDX-License-Identifier: Apache-2.0

import { join } from "node:path";
import type { LatencyFigures } from "../src/cli/bench/latencies.ts";
import { Latencies } from "../src/cli/bench/latencies.ts";
import { FileDriver } from "../src/drivers/file/mod.ts";
import { Oracle } from "../src/server/mod.ts";
import { GapChecker } from "../src/testing/mod.ts";
import { oneAtATime } from "./one_at_a_time.ts";

/** Callers at a time. */
export const SEQUENCE_CALLERS: readonly number[] = [1, 16, 256];

/** Ways to write. */
export const SEQUENCE_ARMS = ["group commit", "one at a time"] as const;

/** What callers of a sequence get. */
export interface SequenceFigures {
  /** Whether calls share a durable write. */
  readonly arm: typeof SEQUENCE_ARMS[number];
  /** Callers, each of which asks again when it has its answer. */
  readonly callers: number;
  /** Answers per second. */
  readonly perSecond: number;
  /** Times of calls. */
  readonly latency: LatencyFigures;
  /** What was wrong with the ordinals: must be 0. */
  readonly violations: number;
}

/** How {@linkcode measureSequences} measures. */
export interface SequenceOptions {
  /** A new directory on a disk. */
  readonly directory: string;
  /** Milliseconds before each measurement. */
  readonly warmUpMs: number;
  /** Milliseconds of each measurement. */
  readonly measureMs: number;
}

const KEY = "orders";

/** Asks an oracle on the file driver for ordinals, without a network. The arms take turns. */
export async function measureSequences(
  options: SequenceOptions,
): Promise<readonly SequenceFigures[]> {
  const figures: SequenceFigures[] = [];
  for (const callers of SEQUENCE_CALLERS) {
    for (const arm of SEQUENCE_ARMS) figures.push(await measureArm(arm, { ...options, callers }));
  }
  return figures;
}

interface ArmOptions extends SequenceOptions {
  readonly callers: number;
}

async function measureArm(
  arm: SequenceFigures["arm"],
  options: ArmOptions,
): Promise<SequenceFigures> {
  const { directory, callers, warmUpMs, measureMs } = options;
  await using driver = await FileDriver.open({ directory: join(directory, `${arm} ${callers}`) });
  const used = arm === "group commit" ? driver : oneAtATime(driver);
  await using oracle = new Oracle({ driver: used, heartbeatIntervalMs: 0 });
  await oracle.untilServing();
  const gaps = new GapChecker();
  const latencies = new Latencies();
  const startMs = performance.now() + warmUpMs;
  const endMs = startMs + measureMs;
  const callInTurn = async () => {
    // However slow the machine is, one call is measured.
    for (let beganMs = 0; (beganMs = performance.now()) < endMs || latencies.size === 0;) {
      const block = await oracle.sequences.take({ key: KEY, count: 1 });
      const nowMs = performance.now();
      gaps.received(block);
      if (nowMs >= startMs) latencies.record(nowMs - beganMs);
    }
  };
  await Promise.all(Array.from({ length: callers }, callInTurn));
  const endedMs = performance.now();
  const violations = gaps.check(await driver.loadDenseSeq(KEY)).length;
  const perSecond = latencies.size / ((endedMs - startMs) / 1_000);
  return { arm, callers, perSecond, latency: latencies.figures(), violations };
}
