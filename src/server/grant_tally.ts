// SPDX-License-Identifier: Apache-2.0

import type { Meter } from "./meter.ts";

/**
 * Counts grants of which many are made in one turn. The meter is told once for all of them, in a microtask: by the
 * time that anything else runs, its counters are right.
 */
export class GrantTally {
  readonly #meter: Meter;
  readonly #report = () => {
    const calls = this.#calls;
    const timestamps = this.#timestamps;
    this.#calls = 0;
    this.#timestamps = 0;
    this.#meter.count("tsoracle.get_ts.requests.total", calls);
    this.#meter.count("tsoracle.get_ts.success.total", calls);
    this.#meter.count("tsoracle.get_ts.timestamps_issued", timestamps);
  };
  #calls = 0;
  #timestamps = 0;

  /** Makes an empty tally for a meter. */
  constructor(meter: Meter) {
    this.#meter = meter;
  }

  /** Counts a call that was granted so many timestamps. */
  add(timestamps: number): void {
    if (this.#calls === 0) queueMicrotask(this.#report);
    this.#calls += 1;
    this.#timestamps += timestamps;
  }
}
