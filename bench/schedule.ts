// SPDX-License-Identifier: Apache-2.0

import type { MatrixRow } from "./client_matrix.ts";
import { IN_FLIGHT_ROWS, PUBLISHED_ROWS } from "./client_matrix.ts";
import type { Plan } from "./load/plan.ts";

/** How long a run measures what. */
export interface Schedule {
  /** Runs of each rate within one process, and milliseconds of each. */
  readonly inProcess: { readonly runs: number; readonly runMs: number };
  /** Milliseconds for which each server is asked in each way before it is measured. */
  readonly warmUpMs: number;
  /** Calls over the network. */
  readonly load: Omit<Plan, "cells">;
  /** Pauses within one process. */
  readonly pauses: { readonly rounds: number; readonly roundMs: number };
  /** Pauses over the network. */
  readonly pauseLoad: Omit<Plan, "cells">;
  /** Milliseconds of a small window: many extensions fit into a run. */
  readonly windowAheadMs: number;
  /** Calls of the client without a network: runs of each number of callers, and milliseconds of each. */
  readonly clientAlone: { readonly runs: number; readonly runMs: number };
  /** Calls of the client, over the network. */
  readonly matrix: {
    readonly rows: readonly MatrixRow[];
    readonly warmUpMs: number;
    readonly measureMs: number;
  };
  /** Ordinals within one process. */
  readonly sequences: { readonly warmUpMs: number; readonly measureMs: number };
  /** Whether Node and the hand-written server are measured for comparison. */
  readonly comparisons: boolean;
}

/** About three minutes. */
export const FULL: Schedule = {
  inProcess: { runs: 5, runMs: 200 },
  warmUpMs: 2_000,
  load: { rounds: 3, warmUpMs: 150, measureMs: 450, count: 1 },
  pauses: { rounds: 3, roundMs: 600 },
  pauseLoad: { rounds: 1, warmUpMs: 150, measureMs: 1_800, count: 1 },
  clientAlone: { runs: 5, runMs: 200 },
  matrix: { rows: [...PUBLISHED_ROWS, ...IN_FLIGHT_ROWS], warmUpMs: 2_000, measureMs: 3_000 },
  sequences: { warmUpMs: 200, measureMs: 1_000 },
  windowAheadMs: 100,
  comparisons: true,
};

/** A few seconds. */
export const QUICK: Schedule = {
  inProcess: { runs: 1, runMs: 20 },
  warmUpMs: 50,
  load: { rounds: 1, warmUpMs: 20, measureMs: 150, count: 1 },
  pauses: { rounds: 1, roundMs: 400 },
  pauseLoad: { rounds: 1, warmUpMs: 20, measureMs: 150, count: 1 },
  clientAlone: { runs: 1, runMs: 20 },
  matrix: { rows: [{ callers: 16, batch: 4, maxInFlight: 2 }], warmUpMs: 20, measureMs: 500 },
  sequences: { warmUpMs: 10, measureMs: 500 },
  windowAheadMs: 40,
  comparisons: false,
};
