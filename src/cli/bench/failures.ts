// SPDX-License-Identifier: Apache-2.0

import { errorCode } from "./error_code.ts";
import type { LatencyFigures } from "./latencies.ts";
import { Latencies } from "./latencies.ts";

/** Calls that failed in the same way. */
export interface LoadError {
  /** The code of the error, or its name. */
  readonly code: string;
  /** How many calls failed so, without those of the warm-up. */
  readonly count: number;
  /** What the first of them said. */
  readonly message: string;
}

/**
 * Takes note of calls that failed. How long they took is kept apart from the latencies of answers: a time-out
 * among those would be no answer, and left out it would make a stall look like speed.
 */
export class Failures {
  readonly #kinds = new Map<string, { count: number; readonly message: string }>();
  readonly #latencies = new Latencies();
  #warmUp = 0;

  /** Calls that failed after the warm-up. */
  get count(): number {
    return this.#latencies.size;
  }

  /** Calls that failed in the warm-up. */
  get warmUp(): number {
    return this.#warmUp;
  }

  /** Takes a call that failed after so many milliseconds. */
  add(error: unknown, ms: number): void {
    const code = errorCode(error);
    const message = error instanceof Error ? error.message : String(error);
    const known = this.#kinds.get(code) ?? { count: 0, message };
    known.count++;
    this.#kinds.set(code, known);
    this.#latencies.record(ms);
  }

  /** Takes a call that failed in the warm-up. */
  addWarmUp(): void {
    this.#warmUp++;
  }

  /** How long it took until calls failed. */
  latency(): LatencyFigures {
    return this.#latencies.figures();
  }

  /** The kinds, the most frequent first. */
  kinds(): readonly LoadError[] {
    const errors = [...this.#kinds].map(([code, known]) => ({ code, ...known }));
    return errors.toSorted((a, b) => b.count - a.count);
  }
}
