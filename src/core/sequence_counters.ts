// SPDX-License-Identifier: Apache-2.0

import { SEQUENCE_COUNTER_MAX } from "./sequence.ts";
import type { SequenceRequest } from "./sequence.ts";

/** Outcome of {@linkcode SequenceCounters.take}. Anything but `taken` has changed nothing. */
export type TakeOutcome =
  | {
    readonly kind: "taken";
    /** The first ordinal of each request, in their order. */
    readonly starts: readonly bigint[];
  }
  | { readonly kind: "key-limit"; readonly limit: number }
  | {
    readonly kind: "overflow";
    /** The sequence that has too little left. */
    readonly key: string;
    /** Its next ordinal. */
    readonly next: bigint;
    /** How many were asked for. */
    readonly count: number;
  };

/** The next ordinal of each sequence, and how many sequences there are. A map of them is one. */
export type CounterSource = Pick<ReadonlyMap<string, bigint>, "get" | "size">;

/**
 * The next ordinal of every sequence of a store, and how many sequences it may have (behaviour.md 5.1).
 *
 * What it was made from is never changed, so that a store can try out calls and forget them again.
 */
export class SequenceCounters {
  readonly #found: CounterSource;
  readonly #moved = new Map<string, bigint>();
  #size: number;
  /** How many keys there may be. More, found in a store, stay; a new one is then refused. */
  readonly keyLimit: number;

  /** Begins with what was found in a store. */
  constructor(keyLimit: number, found: CounterSource = new Map<string, bigint>()) {
    this.keyLimit = keyLimit;
    this.#found = found;
    this.#size = found.size;
  }

  /** How many sequences there are. */
  get size(): number {
    return this.#size;
  }

  /** The counters that have moved since, each with its next ordinal. */
  get moved(): ReadonlyMap<string, bigint> {
    return this.#moved;
  }

  /** The next ordinal of a sequence; 0 for one that nobody took from. */
  next(key: string): bigint {
    return this.#get(key) ?? 0n;
  }

  /** Takes a block of each of several sequences, or of none. A key that occurs twice gets two blocks. */
  take(requests: readonly SequenceRequest[]): TakeOutcome {
    const keys = new Set(requests.map(({ key }) => key));
    const size = this.#size + [...keys].filter((key) => this.#get(key) === undefined).length;
    if (size > this.#size && size > this.keyLimit) {
      return { kind: "key-limit", limit: this.keyLimit };
    }
    const ends = new Map<string, bigint>();
    const starts: bigint[] = [];
    for (const { key, count } of requests) {
      const next = ends.get(key) ?? this.next(key);
      const end = next + BigInt(count);
      if (end > SEQUENCE_COUNTER_MAX) return { kind: "overflow", key, next, count };
      starts.push(next);
      ends.set(key, end);
    }
    for (const [key, end] of ends) this.#moved.set(key, end);
    this.#size = size;
    return { kind: "taken", starts };
  }

  #get(key: string): bigint | undefined {
    return this.#moved.get(key) ?? this.#found.get(key);
  }
}
