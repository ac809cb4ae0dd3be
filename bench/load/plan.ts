// SPDX-License-Identifier: Apache-2.0

import type { LatencyFigures } from "../../src/cli/bench/latencies.ts";
import type { Protocol } from "./connection.ts";

/** One thing to measure: a server asked in one way by a number of callers. */
export interface Cell {
  /** Which server of the run, for the report. */
  readonly target: string;
  /** Its port on 127.0.0.1. */
  readonly port: number;
  /** Its process, if the time that it spends on processors is to be measured. */
  readonly pid?: number;
  /** How to ask. */
  readonly protocol: Protocol;
  /** Callers, each of which asks again as soon as it has its answer. */
  readonly concurrency: number;
}

/** What the load generator is to do. */
export interface Plan {
  /** What to measure, in this order. */
  readonly cells: readonly Cell[];
  /** How often to go through all cells. The rounds spread what else the machine does over all of them. */
  readonly rounds: number;
  /** Milliseconds of each round before its measurement starts. */
  readonly warmUpMs: number;
  /** Milliseconds of the measurement of a round. */
  readonly measureMs: number;
  /** How many timestamps each call asks for. */
  readonly count: number;
}

/** What a cell came to. */
export interface CellResult extends Cell {
  /** Connections over which the callers were spread. */
  readonly connections: number;
  /** Checked answers within the measurements of all rounds. */
  readonly requests: number;
  /** Checked answers per second in each round. */
  readonly perSecond: readonly number[];
  /** Time from the start of a call to its checked answer, over all rounds. */
  readonly latency: LatencyFigures;
  /** Processor time of the server per request, in milliseconds. Absent if unknown. */
  readonly cpuMsPerRequest?: number;
  /** Calls that failed or whose answer was wrong, warm-up included. None of them counts as a request. */
  readonly errors: number;
  /** What the first of them said. */
  readonly firstError?: string;
}

/** What the load generator found. */
export interface LoadResult {
  /** One result for each cell. */
  readonly cells: readonly CellResult[];
  /** All answers whose order was checked, warm-up included. */
  readonly checkedAnswers: number;
  /** Answers that repeat a timestamp of the same server, or step back in real time: must be 0. */
  readonly violations: number;
}
