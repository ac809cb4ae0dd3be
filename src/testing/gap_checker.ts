// SPDX-License-Identifier: Apache-2.0

/** A block of ordinals of a sequence. */
export interface OrdinalBlock {
  /** The first ordinal. */
  readonly start: bigint;
  /** How many there are, at least 1. */
  readonly count: number;
}

/** A part of the counter that no caller received. */
export interface OrdinalGap {
  /** The first ordinal that is missing. */
  readonly start: bigint;
  /** The first ordinal after it that is not. */
  readonly end: bigint;
}

/** What no sequence may show. */
export type GapViolation =
  /** Both callers were given the same ordinal. */
  | { readonly kind: "overlap"; readonly first: OrdinalBlock; readonly second: OrdinalBlock }
  /** A block reaches to or beyond where the counter stands. */
  | { readonly kind: "beyond"; readonly block: OrdinalBlock; readonly final: bigint }
  /** However the blocks of unknown outcome are laid into the gaps, they do not fill them exactly. */
  | {
    readonly kind: "gap";
    readonly gaps: readonly OrdinalGap[];
    readonly unknownCounts: readonly number[];
  };

/** Steps after which the search for a filling gives up. Equal counts need hardly any. */
const MAX_STEPS = 100_000;

/**
 * Checks that a sequence is gapless: the blocks received, and some of those whose outcome is unknown, tile
 * the counter from 0 to where it stands. A block of unknown outcome may have been taken or not, at any place.
 * One checker looks at one key.
 *
 * @example
 * ```ts
 * import { GapChecker } from "@tsoracle/tsoracle/testing";
 * import assert from "node:assert/strict";
 *
 * const checker = new GapChecker();
 * checker.received({ start: 0n, count: 5 });
 * checker.unknown(3);
 * checker.received({ start: 8n, count: 2 });
 * assert.deepEqual(checker.check(10n), []);
 * checker.received({ start: 11n, count: 1 }); // nobody has 10
 * assert.equal(checker.check(12n)[0]?.kind, "gap");
 * ```
 */
export class GapChecker {
  readonly #blocks: OrdinalBlock[] = [];
  readonly #unknownCounts: number[] = [];

  /** How many blocks were received. */
  get blocks(): number {
    return this.#blocks.length;
  }

  /**
   * Takes a block that a caller received.
   *
   * @throws {RangeError} if it cannot be: the start is below 0, or the count is not a whole number from 1
   */
  received(block: OrdinalBlock): void {
    if (block.start < 0n) {
      throw new RangeError(`Cannot receive ordinal ${block.start}: 0 is the first`);
    }
    checkCount(block.count);
    this.#blocks.push(block);
  }

  /**
   * Takes a call of which nobody knows whether it spent its block.
   *
   * @param count how many ordinals it asked for
   * @throws {RangeError} if the count is not a whole number from 1
   */
  unknown(count: number): void {
    this.#unknownCounts.push(checkCount(count));
  }

  /**
   * Looks at everything that was taken in.
   *
   * @param final where the counter stands: the next ordinal that it would give. Absent: the end of the
   *   highest block, and nothing is said about what may follow it.
   * @throws {RangeError} if more than a hundred thousand ways of filling the gaps had to be tried
   */
  check(final?: bigint): readonly GapViolation[] {
    const { overlaps, gaps, end } = lay(this.#blocks);
    const beyond = final === undefined ? [] : this.#blocks.filter((block) => endOf(block) > final);
    if (final !== undefined && final > end) gaps.push({ start: end, end: final });
    const unknownCounts = [...this.#unknownCounts];
    return [
      ...overlaps,
      ...beyond.map((block) => ({ kind: "beyond", block, final: final ?? 0n }) as const),
      ...canFill(gaps, unknownCounts) ? [] : [{ kind: "gap", gaps, unknownCounts } as const],
    ];
  }
}

/** What blocks leave of the counter when they are laid side by side. */
interface Layout {
  readonly overlaps: readonly GapViolation[];
  readonly gaps: OrdinalGap[];
  /** The first ordinal above all blocks. */
  readonly end: bigint;
}

function lay(blocks: readonly OrdinalBlock[]): Layout {
  const overlaps: GapViolation[] = [];
  const gaps: OrdinalGap[] = [];
  let furthest: OrdinalBlock | undefined;
  let end = 0n;
  for (const block of blocks.toSorted((a, b) => compare(a.start, b.start))) {
    if (furthest !== undefined && block.start < end) {
      overlaps.push({ kind: "overlap", first: furthest, second: block });
    } else if (block.start > end) {
      gaps.push({ start: end, end: block.start });
    }
    if (endOf(block) <= end) continue;
    furthest = block;
    end = endOf(block);
  }
  return { overlaps, gaps, end };
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function endOf({ start, count }: OrdinalBlock): bigint {
  return start + BigInt(count);
}

function checkCount(count: number): number {
  if (Number.isSafeInteger(count) && count >= 1) return count;
  throw new RangeError(
    `Cannot use ${count} ordinals: a block has a whole number of them, at least 1`,
  );
}

/** Whether each gap is exactly filled by some of the counts, each used at most once. */
function canFill(gaps: readonly OrdinalGap[], counts: readonly number[]): boolean {
  const sizes = gaps.map(({ start, end }) => end - start);
  const missing = sizes.reduce((sum, size) => sum + size, 0n);
  const available = counts.reduce((sum, count) => sum + BigInt(count), 0n);
  if (missing > available) return false;
  const [only = 1, ...others] = new Set(counts);
  if (others.length === 0) return sizes.every((size) => size % BigInt(only) === 0n);
  return new Filling(counts).fill(sizes);
}

/** How far the search has come. */
interface Place {
  /** Index of the largest count to use, so that no choice is tried in two orders. */
  readonly from: number;
  /** Index of the gap to fill. */
  readonly gap: number;
  readonly sizes: readonly bigint[];
}

/** A search with memory: gaps one after the other, the larger counts first. */
class Filling {
  /** The different counts, largest first, and how many of each are left. */
  readonly #counts: readonly bigint[];
  readonly #left: number[];
  /** What was found to lead nowhere. */
  readonly #failed = new Set<string>();
  #steps = 0;

  constructor(counts: readonly number[]) {
    const different = [...new Set(counts)].toSorted((a, b) => b - a);
    this.#counts = different.map(BigInt);
    this.#left = different.map((count) => counts.filter((other) => other === count).length);
  }

  fill(sizes: readonly bigint[], gap = 0): boolean {
    const size = sizes[gap];
    return size === undefined || this.#fillOne(size, { from: 0, gap, sizes });
  }

  #fillOne(size: bigint, place: Place): boolean {
    const { from, gap, sizes } = place;
    if (size === 0n) return this.fill(sizes, gap + 1);
    const state = `${gap}/${size}/${from}/${this.#left}`;
    if (this.#failed.has(state)) return false;
    this.#countStep();
    for (let index = from; index < this.#counts.length; index++) {
      const count = this.#counts[index] ?? 0n;
      const left = this.#left[index] ?? 0;
      if (left === 0 || count > size) continue;
      this.#left[index] = left - 1;
      if (this.#fillOne(size - count, { from: index, gap, sizes })) return true;
      this.#left[index] = left;
    }
    this.#failed.add(state);
    return false;
  }

  #countStep(): void {
    this.#steps++;
    if (this.#steps <= MAX_STEPS) return;
    throw new RangeError(
      `Cannot tell whether the gaps are explained after ${MAX_STEPS} tries: ask for blocks of fewer different counts`,
    );
  }
}
