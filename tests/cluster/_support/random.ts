// SPDX-License-Identifier: Apache-2.0

/** A whole number from 0 on, below another. */
export type Random = (below: number) => number;

const LARGEST_SEED = 0xffff_ffff;

/** A seed, and the numbers it gives. */
export class Seed {
  /** The numbers. */
  readonly random: Random;
  readonly #seed: number;

  /** Takes the seed of `TSORACLE_SEED`, or one that no run had before. */
  constructor() {
    const given = Deno.env.get("TSORACLE_SEED");
    this.#seed = Number(given ?? 1 + Math.floor(Math.random() * LARGEST_SEED));
    this.random = randomOf(this.#seed);
  }

  /**
   * Runs a body.
   *
   * @throws {Error} with the seed, and what the body has thrown as its cause
   */
  async tell<T>(body: () => Promise<T>): Promise<T> {
    try {
      return await body();
    } catch (cause) {
      throw new Error(`this was TSORACLE_SEED=${this.#seed}`, { cause });
    }
  }
}

/** One of the items. */
export function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[random(items.length)];
  if (item === undefined) throw new RangeError("Cannot pick from nothing");
  return item;
}

/** The items in another order. All orders are equally likely, so that no fault is always met in the same company. */
export function shuffled<T>(random: Random, items: readonly T[]): readonly T[] {
  const left = [...items];
  return items.flatMap(() => left.splice(random(left.length), 1));
}

/** The numbers of a seed, by xorshift32: small, fast and repeatable. Its state is never 0. */
export function randomOf(seed: number): Random {
  let state = seed % LARGEST_SEED || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
