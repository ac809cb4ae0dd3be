// SPDX-License-Identifier: Apache-2.0

import type { MatrixRow } from "../client_matrix.ts";
import { PUBLISHED_ROWS } from "../client_matrix.ts";
import type { Plan } from "../load/plan.ts";
import type { Shape, Until } from "./load/h2load.ts";
import type { LoadTimes } from "./loads.ts";
import type { EdgeBenchOptions } from "./options.ts";

/** How long a run measures what. Times are in milliseconds. */
export interface EdgeSchedule {
  /** How often to go through all rates. */
  readonly rounds: number;
  /** For which each server is asked before anything is measured. */
  readonly warmUpMs: number;
  /** Of h2load, on all servers. */
  readonly shapes: readonly Shape[];
  readonly until: Until;
  /** Of h2load, to see what many connections cost. */
  readonly connections: { readonly few: Shape; readonly many: Shape; readonly until: Until };
  /** Of the other loads. */
  readonly clients: LoadTimes & { readonly shapes: readonly Shape[]; readonly callers: number[] };
  readonly latencies: Omit<Plan, "cells">;
  readonly loneCaller: LoadTimes & { readonly rounds: number };
  readonly published: LoadTimes & { readonly rows: readonly MatrixRow[] };
  /** Absent: memory is not looked at. */
  readonly memory?: { readonly calls: number; readonly budgetMs: number };
  /** Whether Node is measured as well. */
  readonly onNode: boolean;
}

const FEW: Shape = { connections: 16, streams: 1 };

/** The shapes that goals are set for come first. */
const SHAPES: readonly Shape[] = [
  { connections: 4, streams: 16 },
  { connections: 10, streams: 100 },
  { connections: 1, streams: 1 },
  { connections: 1, streams: 100 },
  FEW,
];

const CLIENTS = {
  shapes: [{ connections: 1, streams: 1 }, { connections: 4, streams: 16 }],
  callers: [1, 16, 256],
};

const FULL: EdgeSchedule = {
  rounds: 3,
  warmUpMs: 2_000,
  shapes: SHAPES,
  until: { ms: 1_000 },
  connections: {
    few: FEW,
    many: { connections: 1_000, streams: 1 },
    // So long that making the connections takes a small part of it.
    until: { ms: 6_000 },
  },
  clients: { ...CLIENTS, warmUpMs: 400, measureMs: 800 },
  latencies: { rounds: 3, warmUpMs: 200, measureMs: 1_000, count: 1 },
  loneCaller: { rounds: 3, warmUpMs: 500, measureMs: 1_500 },
  published: { rows: PUBLISHED_ROWS, warmUpMs: 1_000, measureMs: 3_000 },
  onNode: true,
};

const LONG: EdgeSchedule = { ...FULL, memory: { calls: 10_000_000, budgetMs: 600_000 } };

const QUICK: EdgeSchedule = {
  ...FULL,
  rounds: 1,
  warmUpMs: 300,
  until: { ms: 200 },
  connections: { ...FULL.connections, until: { ms: 500 } },
  clients: { ...CLIENTS, callers: [1, 256], warmUpMs: 100, measureMs: 200 },
  latencies: { ...FULL.latencies, rounds: 1, warmUpMs: 50, measureMs: 300 },
  loneCaller: { rounds: 1, warmUpMs: 200, measureMs: 300 },
  published: { rows: PUBLISHED_ROWS, warmUpMs: 100, measureMs: 200 },
};

/** The least that shows that everything works; its figures mean nothing. */
export const SMOKE: EdgeSchedule = {
  rounds: 1,
  warmUpMs: 10,
  shapes: [{ connections: 4, streams: 16 }],
  until: { requests: 200 },
  connections: {
    few: { connections: 2, streams: 1 },
    many: { connections: 20, streams: 1 },
    until: { requests: 100 },
  },
  clients: {
    shapes: [{ connections: 1, streams: 2 }],
    callers: [2],
    warmUpMs: 0,
    measureMs: 400,
  },
  latencies: { rounds: 1, warmUpMs: 0, measureMs: 1_000, count: 1 },
  loneCaller: { rounds: 1, warmUpMs: 0, measureMs: 500 },
  published: { rows: [], warmUpMs: 0, measureMs: 100 },
  memory: { calls: 400, budgetMs: 60_000 },
  onNode: false,
};

/** The schedules by name. */
export const SCHEDULES: Readonly<Record<EdgeBenchOptions["length"], EdgeSchedule>> = {
  quick: QUICK,
  full: FULL,
  long: LONG,
};
