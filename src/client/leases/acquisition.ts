// SPDX-License-Identifier: Apache-2.0

import type { Clock } from "../../core/clock.ts";
import type { ArmedLease, LeaseAttemptOptions, LeaseSource } from "./lease_attempts.ts";
import { releaseInTime } from "./release_lease.ts";

/** How long the request of an acquisition that was given up may still be answered, in milliseconds. */
const LATE_GRANT_MS = 1_000;

/** What an {@linkcode Acquisition} works with. */
export interface AcquisitionOptions {
  /** Makes single attempts. */
  readonly source: LeaseSource;
  /** Where time comes from. */
  readonly clock: Clock;
  /** How long an attempt may take, in milliseconds. */
  readonly timeoutMs: number;
}

/** An acquisition under way. Its user may give it up. */
export class Acquisition {
  /** The lease. Rejects with what refused it. */
  readonly lease: Promise<ArmedLease>;
  readonly #options: AcquisitionOptions;
  /** Ends the search between two attempts. */
  readonly #stop = new AbortController();
  /** Ends the attempt under way. */
  readonly #cut = new AbortController();
  #fault: unknown;
  #granted: number | undefined;

  /** Begins to acquire. */
  constructor(
    acquire: (options: LeaseAttemptOptions) => Promise<ArmedLease>,
    options: AcquisitionOptions,
  ) {
    const { source, clock, timeoutMs } = options;
    this.#options = options;
    this.lease = acquire({
      source,
      clock,
      signal: this.#stop.signal,
      acquireSignal: this.#cut.signal,
      timeoutMs: () => timeoutMs,
      onFault: (error) => this.#fault = error,
      onGranted: (leaseId) => this.#granted = leaseId,
    });
    this.lease.catch(() => {});
  }

  /** Why the last attempt has failed. */
  get fault(): unknown {
    return this.#fault;
  }

  /** Ends it. */
  end(): void {
    this.#stop.abort();
    this.#cut.abort();
  }

  /**
   * Ends it, and releases the lease that it acquired, or that the request under way still acquires. Bounded; never
   * rejects.
   */
  async takeBack(): Promise<void> {
    const { clock } = this.#options;
    const settled = new AbortController();
    this.#stop.abort();
    clock.delay(LATE_GRANT_MS, { signal: settled.signal }).then(() => this.#cut.abort(), () => {});
    await this.lease.catch(() => {});
    settled.abort();
    if (this.#granted !== undefined) await releaseInTime(this.#granted, this.#options);
  }
}
