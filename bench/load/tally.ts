// SPDX-License-Identifier: Apache-2.0

import { Latencies } from "../../src/cli/bench/latencies.ts";
import type { Cell, CellResult } from "./plan.ts";

/** What the rounds of one cell add up to. */
export class Tally {
  readonly #cell: Cell;
  readonly #connections: number;
  readonly #latencies = new Latencies();
  readonly #perSecond: number[] = [];
  #requests = 0;
  #requestsBefore = 0;
  #cpuMs: number | undefined;
  #errors = 0;
  #firstError: string | undefined;

  /** Starts with nothing. */
  constructor(cell: Cell, connections: number) {
    this.#cell = cell;
    this.#connections = connections;
  }

  /** Takes a checked answer that came within the measurement. */
  countRequest(): void {
    this.#requests++;
  }

  /** Takes how long a checked answer took, in milliseconds. */
  recordLatency(ms: number): void {
    this.#latencies.record(ms);
  }

  /** Takes a call that failed, or whose answer was wrong. */
  countError(error: unknown): void {
    this.#errors++;
    this.#firstError ??= error instanceof Error ? error.message : String(error);
  }

  /** Takes the processor time of the server in a round, in milliseconds. */
  addCpuTime(ms: number): void {
    this.#cpuMs = (this.#cpuMs ?? 0) + ms;
  }

  /** Ends a round that measured for so many milliseconds. */
  endRound(measureMs: number): void {
    this.#perSecond.push((this.#requests - this.#requestsBefore) / (measureMs / 1_000));
    this.#requestsBefore = this.#requests;
  }

  /** The sum. */
  result(): CellResult {
    const cpuMs = this.#requests === 0 ? undefined : this.#cpuMs;
    return {
      ...this.#cell,
      connections: this.#connections,
      requests: this.#requests,
      perSecond: this.#perSecond,
      latency: this.#latencies.figures(),
      ...(cpuMs === undefined ? {} : { cpuMsPerRequest: cpuMs / this.#requests }),
      errors: this.#errors,
      ...(this.#firstError === undefined ? {} : { firstError: this.#firstError }),
    };
  }
}
