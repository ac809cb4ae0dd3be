// SPDX-License-Identifier: Apache-2.0

import type { TimestampParts } from "../core/timestamp.ts";
import { LOGICAL_MAX } from "../core/timestamp.ts";

/** Timestamps from one to another, both included. */
export interface TimestampSpan {
  /** The smallest of them. */
  readonly first: TimestampParts;
  /** The greatest of them; not below `first`. */
  readonly last: TimestampParts;
}

interface MutableSpan {
  first: TimestampParts;
  last: TimestampParts;
}

/** Below 0, 0 or above 0, as `a` is smaller than, equal to or greater than `b`. */
export function compareParts(a: TimestampParts, b: TimestampParts): number {
  return a.physicalMs - b.physicalMs || a.logical - b.logical;
}

/**
 * A set of timestamps as spans. Spans that touch become one, so that what an oracle grants in a row takes
 * no more room than one block of it. Additions near the upper end, which is where time adds, cost no more
 * in a large set.
 */
export class TimestampRanges {
  /** In order, disjoint, and none touches the next. */
  readonly #spans: MutableSpan[] = [];

  /** How many spans the set has. */
  get size(): number {
    return this.#spans.length;
  }

  /**
   * Adds a span.
   *
   * @returns a span of the set before the addition with which it shares a timestamp, if there is one
   */
  add(span: TimestampSpan): TimestampSpan | undefined {
    const from = this.#firstReaching(span.first);
    let { first, last } = span;
    let shared: TimestampSpan | undefined;
    let to = from;
    for (; to < this.#spans.length; to++) {
      const known = this.#at(to);
      if (!reaches(span.last, known.first)) break;
      if (shared === undefined && sharesOne(known, span)) shared = { ...known };
      if (compareParts(known.first, first) < 0) first = known.first;
      if (compareParts(known.last, last) > 0) last = known.last;
    }
    this.#replace(from, to, { first, last });
    return shared;
  }

  /** Forgets the spans that lie wholly at or below a timestamp. */
  forgetUpTo(bound: TimestampParts): void {
    let count = 0;
    while (count < this.#spans.length && compareParts(this.#at(count).last, bound) <= 0) count++;
    if (count > 0) this.#spans.splice(0, count);
  }

  /** Forgets the lowest span of a set that has one, and returns it. */
  forgetLowest(): TimestampSpan {
    const lowest = this.#at(0);
    this.#spans.shift();
    return lowest;
  }

  /** Index of the first span that ends at, above or right before `first`. */
  #firstReaching(first: TimestampParts): number {
    let low = 0;
    let high = this.#spans.length;
    // Time mostly adds at the upper end.
    if (high > 0 && !reaches(this.#at(high - 1).last, first)) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (reaches(this.#at(middle).last, first)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #replace(from: number, to: number, merged: MutableSpan): void {
    if (to - from === 1) this.#spans[from] = merged;
    else this.#spans.splice(from, to - from, merged);
  }

  #at(index: number): MutableSpan {
    const span = this.#spans[index];
    if (span === undefined) throw new RangeError(`there is no span ${index} of ${this.size}`);
    return span;
  }
}

/** Whether nothing lies between a span that ends with `last` and one that begins with `first`. */
function reaches(last: TimestampParts, first: TimestampParts): boolean {
  if (compareParts(last, first) >= 0) return true;
  if (last.physicalMs === first.physicalMs) return last.logical + 1 === first.logical;
  return last.physicalMs + 1 === first.physicalMs && last.logical === LOGICAL_MAX &&
    first.logical === 0;
}

function sharesOne(a: TimestampSpan, b: TimestampSpan): boolean {
  return compareParts(a.first, b.last) <= 0 && compareParts(b.first, a.last) <= 0;
}
