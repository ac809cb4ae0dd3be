// SPDX-License-Identifier: Apache-2.0

import fc from "fast-check";
import { unpackTimestamp } from "../../../src/core/timestamp.ts";
import type { HistoryChecker, HistoryTicket } from "../../../src/testing/mod.ts";

/** A call of a random history. Its moments are places in the sequence of all moments. */
export interface PlayedCall {
  /** When it began. */
  readonly beganAt: number;
  /** When it was answered. */
  readonly endedAt: number;
  /** The first packed timestamp. */
  readonly firstPacked: bigint;
  /** How many it got. */
  readonly count: number;
}

interface Draft {
  readonly beganAt: number;
  firstPacked?: bigint;
  count?: number;
}

const START = 1_000n << 18n;
/** Steps between two blocks: three at least, and sometimes another millisecond. */
const STEPS = [3n, 4n, 1_000n, 262_144n] as const;

/**
 * What callers of an honest oracle can see: calls begin, are granted greater and greater values while they
 * are open, and end, in a random order.
 *
 * @param minCalls of the history at least
 */
export function honestHistory(minCalls = 0): fc.Arbitrary<readonly PlayedCall[]> {
  return fc.array(fc.tuple(fc.constantFrom("begin", "grant", "end"), fc.nat()), {
    minLength: 3 * minCalls,
    maxLength: 120,
  }).map(play).filter((calls) => calls.length >= minCalls);
}

function play(moves: readonly (readonly [string, number])[]): readonly PlayedCall[] {
  const waiting: Draft[] = [];
  const granted: Draft[] = [];
  const calls: PlayedCall[] = [];
  let next = START;
  moves.forEach(([move, pick], moment) => {
    if (move === "begin") waiting.push({ beganAt: moment });
    const [source, target] = move === "grant" ? [waiting, granted] : [granted, undefined];
    const [draft] = move === "begin" ? [] : source.splice(pick % Math.max(1, source.length), 1);
    if (draft === undefined) return;
    if (target !== undefined) {
      draft.count = 1 + pick % 5;
      draft.firstPacked = next;
      next += BigInt(draft.count) - 1n + STEPS[pick % STEPS.length]!;
      target.push(draft);
      return;
    }
    const { beganAt, firstPacked = 0n, count = 1 } = draft;
    calls.push({ beganAt, endedAt: moment, firstPacked, count });
  });
  return calls;
}

/** Lets a checker see a history as it happened. */
export function replay(calls: readonly PlayedCall[], checker: HistoryChecker): void {
  const tickets = new Map<PlayedCall, HistoryTicket>();
  const moments = calls.flatMap((call) => [
    { at: call.beganAt, run: () => void tickets.set(call, checker.begin()) },
    { at: call.endedAt, run: () => void checker.end(tickets.get(call)!, rangeOf(call)) },
  ]);
  for (const { run } of moments.toSorted((a, b) => a.at - b.at)) run();
}

function rangeOf({ firstPacked, count }: PlayedCall) {
  const last = unpackTimestamp(firstPacked + BigInt(count) - 1n);
  return { first: unpackTimestamp(firstPacked), last, length: count };
}
