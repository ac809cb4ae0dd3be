// SPDX-License-Identifier: Apache-2.0

import type { Clock } from "../../core/clock.ts";
import type {
  HistoryTicket,
  OrderViolation,
  ReceivedRange,
} from "../../testing/history_checker.ts";
import { HistoryChecker } from "../../testing/history_checker.ts";
import { errorCode } from "./error_code.ts";
import type { LatencyFigures } from "./latencies.ts";
import { Latencies } from "./latencies.ts";

/** Somebody who has one call under way at a time. It is used again and again, so that calls cost little. */
export interface LoadCaller {
  /** When its call began; in an open loop, when it was due. */
  startMs: number;
  /** The place of its call in the order of calls; absent while it has none. */
  ticket: HistoryTicket | undefined;
}

/** Calls that failed in the same way. */
export interface LoadError {
  /** The code of the error, or its name. */
  readonly code: string;
  /** How many calls failed so, warm-up included. */
  readonly count: number;
  /** What the first of them said. */
  readonly message: string;
}

/** How far a run has come. */
export interface LoadProgress {
  /** Milliseconds since its start, warm-up included. */
  readonly elapsedMs: number;
  /** Whether it is still warming up. */
  readonly warmingUp: boolean;
  /** Answers so far, warm-up included. */
  readonly answers: number;
  /** Calls under way. */
  readonly open: number;
  /** Latencies measured so far. */
  readonly latency: LatencyFigures;
  /** Calls that failed so far. */
  readonly errors: number;
  /** What was wrong with the order so far. */
  readonly violations: number;
}

/** What was measured. */
export interface MeasuredFigures {
  /** Milliseconds over which calls were counted. */
  readonly measuredMs: number;
  /** Answers that came within that time. */
  readonly calls: number;
  /**
   * Times from start to answer, of all calls that ended after the warm-up, also of those that ended after
   * the end, and of the unfinished ones up to when they were given up. Calls that failed have none.
   */
  readonly latency: LatencyFigures;
  /** How much later than due calls began: what the load generator itself adds. Open loop only. */
  readonly lateness: LatencyFigures;
  /** Calls that were due and were not started, since too many were under way. Open loop only. */
  readonly notStarted: number;
  /** Calls without an answer when the run was over. */
  readonly unfinished: number;
  /** Calls that failed, the most frequent first. */
  readonly errors: readonly LoadError[];
  /** Answers whose order and uniqueness were checked, warm-up included. */
  readonly checked: number;
  /** Answers of which it could not be said whether they repeat a value. */
  readonly unchecked: number;
  /** Answers that broke a promise. */
  readonly violations: number;
  /** The first of them. */
  readonly firstViolations: readonly OrderViolation[];
}

/** Options of {@linkcode Measurement}. */
export interface MeasurementOptions {
  readonly clock: Clock;
  readonly warmUpMs: number;
  readonly durationMs: number;
  readonly tamper?: ((range: ReceivedRange, answer: number) => ReceivedRange) | undefined;
}

/** Takes note of every call of a run, and checks what it was given. */
export class Measurement {
  readonly #clock: Clock;
  readonly #tamper: MeasurementOptions["tamper"];
  readonly #beganMs: number;
  readonly #startMs: number;
  #endMs: number;
  readonly #checker = new HistoryChecker({ maxViolations: 5 });
  readonly #callers: LoadCaller[] = [];
  #open = 0;
  readonly #latencies = new Latencies();
  readonly #lateness = new Latencies();
  readonly #errors = new Map<string, { count: number; readonly message: string }>();
  #calls = 0;
  #answers = 0;
  #notStarted = 0;
  #unfinished = 0;

  /** Begins with the warm-up. */
  constructor(options: MeasurementOptions) {
    const { clock, warmUpMs, durationMs, tamper } = options;
    this.#clock = clock;
    this.#tamper = tamper;
    this.#beganMs = clock.monotonicMs();
    this.#startMs = this.#beganMs + warmUpMs;
    this.#endMs = this.#startMs + durationMs;
  }

  /** When it began, on the monotonic clock. */
  get beganMs(): number {
    return this.#beganMs;
  }

  /** When it ends: calls that begin from then on do not belong to it. */
  get endMs(): number {
    return this.#endMs;
  }

  /** How many calls are under way. */
  get open(): number {
    return this.#open;
  }

  /** Adds a caller. */
  addCaller(): LoadCaller {
    const caller: LoadCaller = { startMs: 0, ticket: undefined };
    this.#callers.push(caller);
    return caller;
  }

  /** Begins a call that was due at `startMs`, of a caller that has none. */
  begin(caller: LoadCaller, startMs: number): void {
    caller.startMs = startMs;
    caller.ticket = this.#checker.begin();
    this.#open++;
  }

  /**
   * Ends a call with what it was given.
   *
   * @returns when that was
   */
  answered(caller: LoadCaller, range: ReceivedRange): number {
    const nowMs = this.#clock.monotonicMs();
    const ticket = this.#take(caller);
    if (ticket === undefined) return nowMs;
    this.#checker.end(ticket, this.#tamper?.(range, this.#answers) ?? range);
    this.#answers++;
    if (nowMs < this.#startMs) return nowMs;
    this.#latencies.record(nowMs - caller.startMs);
    if (nowMs <= this.#endMs) this.#calls++;
    return nowMs;
  }

  /** Ends a call that failed. */
  failed(caller: LoadCaller, error: unknown): void {
    const ticket = this.#take(caller);
    if (ticket === undefined) return;
    this.#checker.abandon(ticket);
    const code = errorCode(error);
    const message = error instanceof Error ? error.message : String(error);
    const known = this.#errors.get(code) ?? { count: 0, message };
    known.count++;
    this.#errors.set(code, known);
  }

  /** Takes a call that begins now and was due before. */
  recordLateness(dueMs: number): void {
    if (dueMs >= this.#startMs) this.#lateness.record(this.#clock.monotonicMs() - dueMs);
  }

  /** Takes a call that was due and cannot be started. */
  countNotStarted(dueMs: number): void {
    if (dueMs >= this.#startMs) this.#notStarted++;
  }

  /** Ends the measured time now, unless it is over already. */
  stop(): void {
    this.#endMs = Math.min(this.#endMs, this.#clock.monotonicMs());
  }

  /** Gives up the calls under way; what comes of them later is not looked at. */
  giveUp(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const caller of this.#callers) {
      if (this.#take(caller) === undefined) continue;
      this.#unfinished++;
      this.#latencies.record(nowMs - caller.startMs);
    }
  }

  /** How far it has come. */
  progress(): LoadProgress {
    const nowMs = this.#clock.monotonicMs();
    return {
      elapsedMs: nowMs - this.#beganMs,
      warmingUp: nowMs < this.#startMs,
      answers: this.#answers,
      open: this.#open,
      latency: this.#latencies.figures(),
      errors: this.#sortedErrors().reduce((sum, { count }) => sum + count, 0),
      violations: this.#checker.violationCount,
    };
  }

  /** The result. */
  figures(): MeasuredFigures {
    return {
      measuredMs: Math.max(0, wholeMicroseconds(this.#endMs - this.#startMs)),
      calls: this.#calls,
      latency: this.#latencies.figures(),
      lateness: this.#lateness.figures(),
      notStarted: this.#notStarted,
      unfinished: this.#unfinished,
      errors: this.#sortedErrors(),
      checked: this.#checker.calls,
      unchecked: this.#checker.unchecked,
      violations: this.#checker.violationCount,
      firstViolations: this.#checker.violations,
    };
  }

  /** Ends the call of a caller, unless it was given up before. */
  #take(caller: LoadCaller): HistoryTicket | undefined {
    const { ticket } = caller;
    if (ticket !== undefined) this.#open--;
    caller.ticket = undefined;
    return ticket;
  }

  #sortedErrors(): readonly LoadError[] {
    const errors = [...this.#errors].map(([code, known]) => ({ code, ...known }));
    return errors.toSorted((a, b) => b.count - a.count);
  }
}

/** A difference of two readings of a clock that are far from 0 is not exact. */
function wholeMicroseconds(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
