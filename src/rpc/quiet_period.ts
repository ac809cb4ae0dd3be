// SPDX-License-Identifier: Apache-2.0

/** Lets one event through in each period and counts the others, so that no log can be flooded. */
export class QuietPeriod {
  readonly #lengthMs: number;
  #untilMs = -Infinity;
  #held = 0;

  /** Starts quiet. */
  constructor(lengthMs = 10_000) {
    this.#lengthMs = lengthMs;
  }

  /** How many events were held back since the last one let through, or `undefined` to hold this one too. */
  admit(): number | undefined {
    const nowMs = performance.now();
    if (nowMs < this.#untilMs) {
      this.#held += 1;
      return undefined;
    }
    this.#untilMs = nowMs + this.#lengthMs;
    const held = this.#held;
    this.#held = 0;
    return held;
  }
}
