// SPDX-License-Identifier: Apache-2.0

import type { Clock } from "../../core/clock.ts";
import type { ReceivedRange } from "../../testing/history_checker.ts";
import type { LoadProgress } from "./measurement.ts";

/** Callers that ask again as soon as they have their answer: how much a number of them gets done. */
export interface ClosedLoop {
  /** The kind. */
  readonly kind: "closed";
  /** How many there are, at least 1. */
  readonly callers: number;
}

/** Calls that come when they come, as from the outside world: how long they take at a given rate. */
export interface OpenLoop {
  /** The kind. */
  readonly kind: "open";
  /** Calls that are due in a second, above 0. */
  readonly perSecond: number;
  /** Calls under way at most, at least 1. One that falls due beyond it is not started, and is counted. */
  readonly maxOutstanding: number;
}

/** What {@linkcode runLoad} is to do. Durations are in milliseconds. */
export interface LoadOptions {
  /** Who calls when. */
  readonly loop: ClosedLoop | OpenLoop;
  /** Timestamps of each call, at least 1. */
  readonly batch: number;
  /** How long to call before it counts, at least 0. */
  readonly warmUpMs: number;
  /** How long to measure, above 0. */
  readonly durationMs: number;
  /**
   * How long calls may go on after the end before they are counted as unfinished.
   *
   * @default {5_000}
   */
  readonly drainMs?: number;
  /** Ends the measurement early; what was measured counts. */
  readonly signal?: AbortSignal | undefined;
  /** Ends also the wait for calls under way. It is for after `signal`, or instead of it. */
  readonly abandon?: AbortSignal | undefined;
  /** Told every second. */
  readonly onProgress?: (progress: LoadProgress) => void;
  /** Where time comes from. */
  readonly clock: Clock;
  /**
   * Changes what a call received before it is checked: the proof that the check would see it.
   *
   * @param answer the number of the answer, from 0
   */
  readonly tamper?: (range: ReceivedRange, answer: number) => ReceivedRange;
}
