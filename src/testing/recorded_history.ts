// SPDX-License-Identifier: Apache-2.0

import { unpackTimestamp } from "../core/timestamp.ts";
import type { HistoryTicket, OrderViolation } from "./history_checker.ts";
import { HistoryChecker } from "./history_checker.ts";

/** One answered call, as its caller saw it. Callers may record more; violations carry the whole record. */
export interface HistoryCall {
  /** When the caller asked, on a clock that all callers share and that never runs backwards. */
  readonly startMs: number;
  /** When the caller had the answer, on the same clock. */
  readonly endMs: number;
  /** The first packed timestamp of the block. */
  readonly firstPacked: bigint;
  /** Number of timestamps in the block, at least 1. */
  readonly count: number;
}

/** What no history of a timestamp oracle may show. */
export type HistoryViolation<C extends HistoryCall> =
  /** Both calls were given the same timestamp; `first` was answered first. */
  | { readonly kind: "overlap"; readonly first: C; readonly second: C }
  /** `first` had ended before `second` began, and yet it was given a timestamp that is not smaller. */
  | { readonly kind: "inversion"; readonly first: C; readonly second: C };

/** A call begins or ends. */
interface Moment<C> {
  readonly atMs: number;
  readonly call: C;
  readonly isEnd: boolean;
}

/**
 * Checks the two promises of an oracle over recorded calls of any number of clients and nodes: no timestamp
 * twice, and a call that ended before another began has the smaller timestamps. Calls whose times touch or
 * overlap are concurrent and may be ordered either way.
 *
 * The records of several clients are merged by putting them into one list, if their clocks agree. Each call
 * is reported at most once per kind, as `second`.
 *
 * @throws {RangeError} if a record cannot be: it ends before it starts, or its count is not 1 or more
 */
export function checkHistory<C extends HistoryCall>(calls: readonly C[]): HistoryViolation<C>[] {
  const replay = new Replay<C>();
  for (const moment of momentsOf(calls)) replay.take(moment);
  return replay.violations;
}

/** In the order of time; at one time calls begin before others end, so that calls that touch overlap. */
function momentsOf<C extends HistoryCall>(calls: readonly C[]): readonly Moment<C>[] {
  const moments = calls.flatMap((call) => {
    const { startMs, endMs, count } = call;
    if (!(endMs >= startMs)) throw new RangeError(`a call from ${startMs} cannot end at ${endMs}`);
    if (!(count >= 1)) throw new RangeError(`a call cannot be answered with ${count} timestamps`);
    return [{ atMs: startMs, call, isEnd: false }, { atMs: endMs, call, isEnd: true }];
  });
  return moments.toSorted((a, b) => a.atMs - b.atMs || Number(a.isEnd) - Number(b.isEnd));
}

/** Lets the online checker see the calls as they came. */
class Replay<C extends HistoryCall> {
  readonly violations: HistoryViolation<C>[] = [];
  readonly #checker = new HistoryChecker({ rememberAll: true });
  readonly #tickets = new Map<C, HistoryTicket[]>();
  readonly #ended: C[] = [];

  take({ call, isEnd }: Moment<C>): void {
    const tickets = this.#tickets.get(call) ?? [];
    if (!isEnd) {
      tickets.push(this.#checker.begin());
      this.#tickets.set(call, tickets);
      return;
    }
    const ticket = tickets.pop();
    if (ticket !== undefined) this.#end(call, ticket);
  }

  #end(call: C, ticket: HistoryTicket): void {
    const first = unpackTimestamp(call.firstPacked);
    const last = unpackTimestamp(lastOf(call));
    for (const { kind } of this.#checker.end(ticket, { first, last, length: call.count })) {
      const other = this.#culprit(kind, call);
      if (kind !== "disorder" && other !== undefined) {
        this.violations.push({ kind, first: other, second: call });
      }
    }
    this.#ended.push(call);
  }

  /** The checker does not know whose values they were; a history that breaks a promise is worth a search. */
  #culprit(kind: OrderViolation["kind"], call: C): C | undefined {
    const guilty = kind === "overlap"
      ? (other: C) => other.firstPacked <= lastOf(call) && call.firstPacked <= lastOf(other)
      : (other: C) => other.endMs < call.startMs && call.firstPacked <= lastOf(other);
    return this.#ended.find(guilty);
  }
}

function lastOf({ firstPacked, count }: HistoryCall): bigint {
  return firstPacked + BigInt(count) - 1n;
}
