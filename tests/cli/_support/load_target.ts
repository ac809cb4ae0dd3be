// SPDX-License-Identifier: Apache-2.0

import type { LoadOptions } from "../../../src/cli/bench/load_options.ts";
import type { LoadReport } from "../../../src/cli/bench/run_load.ts";
import { runLoad } from "../../../src/cli/bench/run_load.ts";
import type { Target } from "../../../src/cli/bench/target.ts";
import { unpackTimestamp } from "../../../src/core/timestamp.ts";
import type { ReceivedRange } from "../../../src/testing/mod.ts";
import { ManualClock, settle } from "../../../src/testing/manual_clock.ts";

/** How a call is answered: after so many milliseconds, or never. */
export type Answer = (call: number, nowMs: number) => number | "never" | Error;

/** An honest oracle in memory whose calls take as long as a test says. */
export class ScriptedTarget implements Target {
  readonly #clock: ManualClock;
  readonly #answer: Answer;
  #next = 1_000n << 18n;
  wentBack = 0;
  /** When calls came, on the monotonic clock. */
  readonly callsAt: number[] = [];

  constructor(clock: ManualClock, answer: Answer) {
    this.#clock = clock;
    this.#answer = answer;
  }

  async getTs(count: number): Promise<ReceivedRange> {
    const nowMs = this.#clock.monotonicMs();
    const answer = this.#answer(this.callsAt.length, nowMs);
    this.callsAt.push(nowMs);
    if (answer === "never") return await new Promise(() => {});
    const first = unpackTimestamp(this.#next);
    const last = unpackTimestamp(this.#next + BigInt(count) - 1n);
    this.#next += BigInt(count);
    if (answer instanceof Error) throw answer;
    await this.#clock.delay(answer);
    return { first, last, length: count };
  }
}

/** A run on a manual clock, and its target. */
export interface ScriptedLoad {
  readonly report: LoadReport;
  readonly target: ScriptedTarget;
}

/** Runs a load to its end as fast as the clock can be moved. */
export async function runScripted(
  answer: Answer,
  options: Omit<LoadOptions, "clock"> & {
    readonly clock?: ManualClock;
    readonly target?: ScriptedTarget;
  },
): Promise<ScriptedLoad> {
  const { clock = new ManualClock() } = options;
  const target = options.target ?? new ScriptedTarget(clock, answer);
  let report: LoadReport | undefined;
  const running = runLoad(target, { ...options, clock }).then((result) => report = result);
  for (await settle(); report === undefined && clock.sleeping > 0; await settle()) {
    await clock.advance((clock.nextDueMs ?? 0) - clock.monotonicMs());
  }
  return { report: await running, target };
}
