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

/** The next ordinal of every sequence of a store, and how many sequences it may have (behaviour.md 5.1). */
export class SequenceCounters {
  readonly #next: Map<string, bigint>;
  /** How many keys there may be. More, found in a store, stay; a new one is then refused. */
  readonly keyLimit: number;

  /** Takes the counters over as they are. */
  constructor(keyLimit: number, next: Iterable<readonly [string, bigint]> = []) {
    this.keyLimit = keyLimit;
    this.#next = new Map(next);
  }

  /** How many sequences there are. */
  get size(): number {
    return this.#next.size;
  }

  /** Every key with its next ordinal. */
  entries(): Iterable<readonly [string, bigint]> {
    return this.#next.entries();
  }

  /** The next ordinal of a sequence; 0 for one that nobody took from. */
  next(key: string): bigint {
    return this.#next.get(key) ?? 0n;
  }

  /** The same counters, to be changed without changing these. */
  copy(): SequenceCounters {
    return new SequenceCounters(this.keyLimit, this.#next);
  }

  /** Takes a block of each of several distinct sequences, or of none. */
  take(requests: readonly SequenceRequest[]): TakeOutcome {
    const newKeys = requests.filter(({ key }) => !this.#next.has(key)).length;
    if (newKeys > 0 && this.size + newKeys > this.keyLimit) {
      return { kind: "key-limit", limit: this.keyLimit };
    }
    for (const { key, count } of requests) {
      const next = this.next(key);
      if (next + BigInt(count) > SEQUENCE_COUNTER_MAX) {
        return { kind: "overflow", key, next, count };
      }
    }
    const starts = requests.map(({ key }) => this.next(key));
    for (const { key, count } of requests) this.#next.set(key, this.next(key) + BigInt(count));
    return { kind: "taken", starts };
  }
}
