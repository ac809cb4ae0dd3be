// SPDX-License-Identifier: Apache-2.0

import type { Clock } from "../../core/clock.ts";
import type {
  HistoryTicket,
  OrderViolation,
  ReceivedRange,
} from "../../testing/history_checker.ts";
import { HistoryChecker } from "../../testing/history_checker.ts";
import type { LoadError } from "./failures.ts";
import { Failures } from "./failures.ts";
import type { LatencyFigures } from "./latencies.ts";
import { Latencies } from "./latencies.ts";

export type { LoadError } from "./failures.ts";

/** Somebody who has one call under way at a time. It is used again and again, so that calls cost little. */
export interface LoadCaller {
  /** When its call began; in an open loop, when it was due. */
  startMs: number;
  /** The place of its call in the order of calls; absent while it has none. */
  ticket: HistoryTicket | undefined;
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
  /** Latencies measured so far; absent while there are none. */
  readonly latency: LatencyFigures | undefined;
  /** Calls that failed so far, warm-up included. */
  readonly errors: number;
  /** What was wrong with the order so far. */
  readonly violations: number;
}

/** What was measured. */
export interface MeasuredFigures {
  /** Milliseconds over which calls were counted. */
  readonly measuredMs: number;
  /** Answers that came within that time; in an open loop, those to calls that were due within it. */
  readonly calls: number;
  /** Calls that were due within that time, those not started included. Open loop only. */
  readonly due: number;
  /**
   * Times from start to answer, of all calls that ended after the warm-up, also of those that ended after
   * the end, and of the unfinished ones up to when they were given up; in an open loop, of those that were due
   * after the warm-up. Calls that failed are not among them.
   */
  readonly latency: LatencyFigures;
  /** Calls that failed after the warm-up; in an open loop, of those that were due after it. */
  readonly failed: number;
  /** Calls that failed in the warm-up. */
  readonly warmUpFailed: number;
  /** Times from start to failure of those after the warm-up. */
  readonly failedLatency: LatencyFigures;
  /** Failed and unfinished calls as a share of all that were made after the warm-up, 0 to 1. */
  readonly errorRate: number;
  /** How much later than due calls began: what the load generator itself adds. Open loop only. */
  readonly lateness: LatencyFigures;
  /** Calls that were due and were not started, since too many were under way. Open loop only. */
  readonly notStarted: number;
  /** Calls without an answer when the run was over. */
  readonly unfinished: number;
  /** Why calls failed after the warm-up, the most frequent reason first. */
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
  readonly loop: { readonly kind: "closed" | "open" };
  readonly warmUpMs: number;
  readonly durationMs: number;
  readonly tamper?: ((range: ReceivedRange, answer: number) => ReceivedRange) | undefined;
}

/** Takes note of every call of a run, and checks what it was given. */
export class Measurement {
  readonly #clock: Clock;
  readonly #tamper: MeasurementOptions["tamper"];
  readonly #isOpen: boolean;
  readonly #beganMs: number;
  readonly #startMs: number;
  #endMs: number;
  readonly #checker = new HistoryChecker({ maxViolations: 5 });
  readonly #callers: LoadCaller[] = [];
  #open = 0;
  readonly #latencies = new Latencies();
  readonly #lateness = new Latencies();
  readonly #failures = new Failures();
  #calls = 0;
  #due = 0;
  #answers = 0;
  #measured = 0;
  #notStarted = 0;
  #unfinished = 0;

  /** Begins with the warm-up. */
  constructor(options: MeasurementOptions) {
    const { clock, loop, warmUpMs, durationMs, tamper } = options;
    this.#clock = clock;
    this.#tamper = tamper;
    this.#isOpen = loop.kind === "open";
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
    if (startMs >= this.#startMs) this.#due++;
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
    if (!this.#isMeasured(caller, nowMs)) return nowMs;
    this.#measured++;
    this.#latencies.record(nowMs - caller.startMs);
    if (this.#isOpen || nowMs <= this.#endMs) this.#calls++;
    return nowMs;
  }

  /** Ends a call that failed. */
  failed(caller: LoadCaller, error: unknown): void {
    const ticket = this.#take(caller);
    if (ticket === undefined) return;
    this.#checker.abandon(ticket);
    const nowMs = this.#clock.monotonicMs();
    if (this.#isMeasured(caller, nowMs)) this.#failures.add(error, nowMs - caller.startMs);
    else this.#failures.addWarmUp();
  }

  /** Takes a call that begins now and was due before. */
  recordLateness(dueMs: number): void {
    if (dueMs >= this.#startMs) this.#lateness.record(this.#clock.monotonicMs() - dueMs);
  }

  /** Takes a call that was due and cannot be started. */
  countNotStarted(dueMs: number): void {
    if (dueMs < this.#startMs) return;
    this.#due++;
    this.#notStarted++;
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
      if (this.#isMeasured(caller, nowMs)) this.#latencies.record(nowMs - caller.startMs);
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
      latency: this.#latencies.size === 0 ? undefined : this.#latencies.figures(),
      errors: this.#failures.count + this.#failures.warmUp,
      violations: this.#checker.violationCount,
    };
  }

  /** The result. */
  figures(): MeasuredFigures {
    return {
      measuredMs: Math.max(0, wholeMicroseconds(this.#endMs - this.#startMs)),
      calls: this.#calls,
      due: this.#due,
      latency: this.#latencies.figures(),
      failed: this.#failures.count,
      warmUpFailed: this.#failures.warmUp,
      failedLatency: this.#failures.latency(),
      errorRate: this.#errorRate(),
      lateness: this.#lateness.figures(),
      notStarted: this.#notStarted,
      unfinished: this.#unfinished,
      errors: this.#failures.kinds(),
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

  /**
   * A closed loop counts what ends after the warm-up. An open one counts what was due after it: that many calls
   * belong to the measured time, whenever their answers come.
   */
  #isMeasured(caller: LoadCaller, nowMs: number): boolean {
    return (this.#isOpen ? caller.startMs : nowMs) >= this.#startMs;
  }

  #errorRate(): number {
    const lost = this.#failures.count + this.#unfinished;
    return lost === 0 ? 0 : lost / (lost + this.#measured);
  }
}

/** A difference of two readings of a clock that are far from 0 is not exact. */
function wholeMicroseconds(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
