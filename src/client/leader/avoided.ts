// SPDX-License-Identifier: Apache-2.0

import type { Clock } from "../../core/clock.ts";
import type { EndpointAddress } from "./endpoint_address.ts";

/** Most endpoints that are avoided at the same time; the one avoided for longest is forgiven first. */
const MAX_AVOIDED = 64;

/** Endpoints whose answers went back. For a while they are asked only when nothing else is left. */
export class Avoided {
  readonly #clock: Clock;
  readonly #forMs: number;
  readonly #untilMs = new Map<string, number>();

  /**
   * Makes an empty set.
   *
   * @param forMs how long an endpoint is avoided, in milliseconds
   */
  constructor(clock: Clock, forMs: number) {
    this.#clock = clock;
    this.#forMs = forMs;
  }

  /** Avoids an endpoint from now on. */
  add(address: EndpointAddress): void {
    this.#untilMs.delete(address.name);
    this.#untilMs.set(address.name, this.#clock.monotonicMs() + this.#forMs);
    for (const oldest of this.#untilMs.keys()) {
      if (this.#untilMs.size <= MAX_AVOIDED) break;
      this.#untilMs.delete(oldest);
    }
  }

  /** Whether an endpoint is avoided now. */
  has(address: EndpointAddress): boolean {
    const untilMs = this.#untilMs.get(address.name);
    if (untilMs === undefined) return false;
    if (this.#clock.monotonicMs() < untilMs) return true;
    this.#untilMs.delete(address.name);
    return false;
  }
}
