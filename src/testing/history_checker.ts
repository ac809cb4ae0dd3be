// SPDX-License-Identifier: Apache-2.0

import type { TimestampParts } from "../core/timestamp.ts";
import { isPhysicalMs, LOGICAL_MAX, MAX_COUNT } from "../core/timestamp.ts";
import { OpenCall, OpenCalls } from "./open_calls.ts";
import type { TimestampSpan } from "./timestamp_ranges.ts";
import { compareParts, TimestampRanges } from "./timestamp_ranges.ts";

/** What a call was given. */
export interface ReceivedRange extends TimestampSpan {
  /** How many timestamps the caller was told it has. Absent: not checked. */
  readonly length?: number;
}

/** A call that has begun; {@linkcode HistoryChecker.begin} hands it out. */
export interface HistoryTicket {
  /** What every timestamp of the call must be above; absent if none had been received when it began. */
  readonly floor: TimestampParts | undefined;
}

/** What no client of a timestamp oracle may see. */
export type OrderViolation =
  /** The call began after another one had ended with `floor`, and was not given greater values only. */
  | { readonly kind: "inversion"; readonly range: ReceivedRange; readonly floor: TimestampParts }
  /** The call was given a value that another one had received; `other` has it. */
  | { readonly kind: "overlap"; readonly range: ReceivedRange; readonly other: TimestampSpan }
  /** The values of the call are no timestamps in a row: the end before the start, or another number. */
  | { readonly kind: "disorder"; readonly range: ReceivedRange };

/** Options of {@linkcode HistoryChecker}. */
export interface HistoryCheckerOptions {
  /**
   * Whether every value is remembered to the end. Without it a value is remembered while it is needed: a
   * repeat in a call that began after the value was received is an inversion, and is reported as one.
   *
   * @default {false}
   */
  readonly rememberAll?: boolean;
  /**
   * Spans of values that are remembered at most, at least 1, unless all are; see
   * {@linkcode HistoryChecker.unchecked}.
   *
   * @default {100_000}
   */
  readonly maxSpans?: number;
  /**
   * Violations that are kept, at least 1; all are counted.
   *
   * @default {100}
   */
  readonly maxViolations?: number;
}

const NONE: readonly OrderViolation[] = [];

/**
 * Checks, while calls are made, what an oracle promises to all callers of one process together: no value
 * comes twice, and a call that began after another had ended has greater values. Calls that overlap may be
 * answered in either order.
 *
 * It needs no clock: a call begins before another one ends if `begin()` is called before `end()`. Memory is
 * bounded by the number of open calls and by how far what came back while the oldest of them is open is
 * scattered; an honest oracle's values lie close.
 *
 * @example
 * ```ts
 * import { HistoryChecker } from "@tsoracle/tsoracle/testing";
 * import assert from "node:assert/strict";
 *
 * const checker = new HistoryChecker();
 * const first = { physicalMs: 1_000, logical: 0 };
 * const a = checker.begin();
 * checker.end(a, { first, last: first });
 * const b = checker.begin(); // a has ended
 * checker.end(b, { first, last: first });
 * assert.equal(checker.violations[0]?.kind, "inversion");
 * ```
 */
export class HistoryChecker {
  readonly #open = new OpenCalls();
  readonly #received = new TimestampRanges();
  readonly #rememberAll: boolean;
  readonly #maxSpans: number;
  readonly #maxViolations: number;
  readonly #violations: OrderViolation[] = [];
  #violationCount = 0;
  #highest: TimestampParts | undefined;
  #forgotten: TimestampParts | undefined;
  #calls = 0;
  #unchecked = 0;

  /**
   * Makes a checker that has seen nothing.
   *
   * @throws {RangeError} if an option is not a whole number of at least 1
   */
  constructor(options: HistoryCheckerOptions = {}) {
    const { rememberAll = false, maxSpans = 100_000, maxViolations = 100 } = options;
    this.#rememberAll = rememberAll;
    this.#maxSpans = rememberAll ? Infinity : checkLimit("maxSpans", maxSpans);
    this.#maxViolations = checkLimit("maxViolations", maxViolations);
  }

  /** Calls that have ended with values. */
  get calls(): number {
    return this.#calls;
  }

  /** Calls that have begun and not ended. */
  get openCalls(): number {
    return this.#open.size;
  }

  /** Spans of values that are remembered now. */
  get spans(): number {
    return this.#received.size;
  }

  /**
   * Calls of which it is not known whether they repeat a value, because `maxSpans` was not enough: a call
   * was open for so long that what it might have repeated had to be forgotten. Their order was checked.
   */
  get unchecked(): number {
    return this.#unchecked;
  }

  /** The first violations. */
  get violations(): readonly OrderViolation[] {
    return this.#violations;
  }

  /** All violations. */
  get violationCount(): number {
    return this.#violationCount;
  }

  /** Begins a call. To be called before anything is sent. */
  begin(): HistoryTicket {
    return this.#open.begin(this.#highest);
  }

  /**
   * Ends a call with what it was given. To be called as soon as the answer is there. The range and its ends
   * must not be changed afterwards.
   *
   * @returns what is wrong with it
   * @throws {TypeError} if the ticket is not of this checker, or its call has ended
   */
  end(ticket: HistoryTicket, range: ReceivedRange): readonly OrderViolation[] {
    this.abandon(ticket);
    this.#calls++;
    if (!isInOrder(range)) {
      this.#forget();
      return this.#report([{ kind: "disorder", range }]);
    }
    const { floor } = ticket;
    const isInverted = floor !== undefined && compareParts(range.first, floor) <= 0;
    const other = this.#received.add(range);
    if (this.#highest === undefined || compareParts(range.last, this.#highest) > 0) {
      this.#highest = range.last;
    }
    if (!isInverted && this.#wasForgotten(range)) this.#unchecked++;
    this.#forget();
    if (!isInverted && other === undefined) return NONE;
    return this.#report([
      ...other === undefined ? [] : [{ kind: "overlap", range, other } as const],
      ...isInverted ? [{ kind: "inversion", range, floor } as const] : [],
    ]);
  }

  /**
   * Ends a call that was given nothing.
   *
   * @throws {TypeError} if the ticket is not of this checker, or its call has ended
   */
  abandon(ticket: HistoryTicket): void {
    if (!(ticket instanceof OpenCall) || ticket.owner !== this.#open) {
      throw new TypeError(
        "Cannot end a call: its ticket is of another checker, or it ended before",
      );
    }
    this.#open.end(ticket);
  }

  /**
   * A value at or below the lowest floor can come again only as an inversion, which needs no memory: floors
   * of later calls are no lower.
   */
  #forget(): void {
    if (this.#rememberAll) return;
    const { oldest } = this.#open;
    const bound = oldest === undefined ? this.#highest : oldest.floor;
    if (bound !== undefined) this.#received.forgetUpTo(bound);
    while (this.#received.size > this.#maxSpans) {
      const { last } = this.#received.forgetLowest();
      if (this.#forgotten === undefined || compareParts(last, this.#forgotten) > 0) {
        this.#forgotten = last;
      }
    }
  }

  #wasForgotten(range: ReceivedRange): boolean {
    return this.#forgotten !== undefined && compareParts(range.first, this.#forgotten) <= 0;
  }

  #report(violations: readonly OrderViolation[]): readonly OrderViolation[] {
    this.#violationCount += violations.length;
    const room = this.#maxViolations - this.#violations.length;
    this.#violations.push(...violations.slice(0, room));
    return violations;
  }
}

function isInOrder({ first, last, length }: ReceivedRange): boolean {
  if (!isTimestamp(first) || !isTimestamp(last) || compareParts(first, last) > 0) return false;
  const apart = (last.physicalMs - first.physicalMs) * MAX_COUNT + last.logical - first.logical;
  return length === undefined || length === apart + 1;
}

function isTimestamp({ physicalMs, logical }: TimestampParts): boolean {
  return isPhysicalMs(physicalMs) && Number.isInteger(logical) && logical >= 0 &&
    logical <= LOGICAL_MAX;
}

function checkLimit(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 1) return value;
  throw new RangeError(
    `Cannot use ${value} for '${name}': it must be a whole number of at least 1`,
  );
}
