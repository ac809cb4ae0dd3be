// SPDX-License-Identifier: Apache-2.0

import type { LatencyFigures } from "../../src/cli/bench/latencies.ts";

/** The engine that a probe asks. */
export type ProbeTarget =
  | { readonly engine: "etcd"; readonly endpoints: readonly string[] }
  | { readonly engine: "file"; readonly directory: string }
  | { readonly engine: "postgres"; readonly urls: readonly string[]; readonly prefix: string };

/** What a probe does. */
export interface ProbePlan {
  /** Whom it asks. */
  readonly target: ProbeTarget;
  /** Milliseconds before each measurement. */
  readonly warmUpMs: number;
  /** Milliseconds of each measurement. */
  readonly measureMs: number;
}

/** Calls of one kind. */
export interface ProbeFigures {
  /** What was called. */
  readonly call: "persist" | "load" | "ordinals";
  /** Callers, each of which asks again when it has its answer. */
  readonly callers: number;
  /** Answers per second. */
  readonly perSecond: number;
  /** Times of calls. */
  readonly latency: LatencyFigures;
}
