// SPDX-License-Identifier: Apache-2.0

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
  /** Both calls were given the same timestamp. */
  | { readonly kind: "overlap"; readonly first: C; readonly second: C }
  /** `first` had ended before `second` began, and yet it was given a timestamp that is not smaller. */
  | { readonly kind: "inversion"; readonly first: C; readonly second: C };

/** A call with the end of its block. */
interface Block<C> {
  readonly call: C;
  readonly lastPacked: bigint;
}

/**
 * Checks the two promises of an oracle over recorded calls of any number of clients and nodes: no timestamp
 * twice, and a call that ended before another began has the smaller timestamps. Calls whose times touch or
 * overlap are concurrent and may be ordered either way.
 *
 * Sorting dominates, so n calls take O(n log n). Each call is reported at most once per kind, as `second`.
 *
 * @throws {RangeError} if a record cannot be: it ends before it starts, or its count is not 1 or more
 */
export function checkHistory<C extends HistoryCall>(calls: readonly C[]): HistoryViolation<C>[] {
  const blocks = calls.map(blockOf);
  return [...overlaps(blocks), ...inversions(blocks)];
}

function blockOf<C extends HistoryCall>(call: C): Block<C> {
  const { startMs, endMs, firstPacked, count } = call;
  if (!(endMs >= startMs)) throw new RangeError(`a call from ${startMs} cannot end at ${endMs}`);
  if (!(count >= 1)) throw new RangeError(`a call cannot be answered with ${count} timestamps`);
  return { call, lastPacked: firstPacked + BigInt(count) - 1n };
}

function* overlaps<C extends HistoryCall>(
  blocks: readonly Block<C>[],
): Generator<HistoryViolation<C>> {
  let furthest: Block<C> | undefined;
  const byValue = blocks.toSorted((a, b) => compare(a.call.firstPacked, b.call.firstPacked));
  for (const block of byValue) {
    if (furthest !== undefined && block.call.firstPacked <= furthest.lastPacked) {
      yield { kind: "overlap", first: furthest.call, second: block.call };
    }
    furthest = higher(furthest, block);
  }
}

function* inversions<C extends HistoryCall>(
  blocks: readonly Block<C>[],
): Generator<HistoryViolation<C>> {
  const byEnd = blocks.toSorted((a, b) => a.call.endMs - b.call.endMs).values();
  let ended = byEnd.next();
  let highest: Block<C> | undefined;
  for (const block of blocks.toSorted((a, b) => a.call.startMs - b.call.startMs)) {
    while (!ended.done && ended.value.call.endMs < block.call.startMs) {
      highest = higher(highest, ended.value);
      ended = byEnd.next();
    }
    if (highest !== undefined && highest.lastPacked >= block.call.firstPacked) {
      yield { kind: "inversion", first: highest.call, second: block.call };
    }
  }
}

function higher<C>(known: Block<C> | undefined, block: Block<C>): Block<C> {
  return known === undefined || block.lastPacked > known.lastPacked ? block : known;
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
