// SPDX-License-Identifier: Apache-2.0

import type { Clock } from "../../core/clock.ts";
import type { Epoch } from "../../core/epoch.ts";
import { TsoClientError } from "../errors.ts";
import type { LeaseGrant } from "../grants.ts";
import type { HeldLease, HeldLeaseJson } from "./held_lease.ts";
import { isFinal, renewUntilGranted } from "./lease_attempts.ts";
import type { ArmedLease, LeaseSource } from "./lease_attempts.ts";
import { armingOf, LeaseClock, waitOut } from "./lease_clock.ts";
import type { LeaseTiming } from "./lease_clock.ts";
import { releaseInTime } from "./release_lease.ts";

/** What a {@linkcode RenewedLease} works with. */
export interface RenewedLeaseOptions {
  /** Renews and releases it. */
  readonly source: LeaseSource;
  /** Where time comes from. */
  readonly clock: Clock;
  /** How long it lasts, and how early it is given up. */
  readonly timing: LeaseTiming;
  /** Called after each renewal. */
  readonly onRenewed: ((lease: HeldLease) => void) | undefined;
  /** Called when there is nothing left to do for it: it was lost, or has been released. */
  readonly onDone: (lease: RenewedLease) => void;
}

/** A lease at work: one loop renews it, another fires the signal when its time is over. */
export class RenewedLease implements HeldLease {
  readonly #options: RenewedLeaseOptions;
  readonly #term: LeaseClock;
  readonly #end = new AbortController();
  #grant: LeaseGrant;
  /** Why the last attempt to renew it has failed. */
  #lastFault: unknown;
  /** The server has no such lease any more. */
  #gone = false;
  #released: Promise<void> | undefined;

  /** Begins to renew. */
  constructor(lease: ArmedLease, options: RenewedLeaseOptions) {
    this.#options = options;
    this.#grant = lease.grant;
    this.#term = new LeaseClock(options.clock, options.timing, armingOf(lease));
    this.#endWith(this.#watch());
    this.#endWith(this.#renew());
  }

  /** Names the lease at the server. */
  get leaseId(): number {
    return this.#grant.leaseId;
  }

  /** The highest physical millisecond that the holder may stamp; a renewal moves it forward. */
  get boundMs(): number {
    return this.#grant.boundMs;
  }

  /** When it ends unless it is renewed, in milliseconds since the Unix epoch on the server's clock. */
  get expiresAtMs(): number {
    return this.#grant.expiresAtMs;
  }

  /** The epoch of the leader that answered last. */
  get epoch(): Epoch {
    return this.#grant.epoch;
  }

  /**
   * Fires when the holder must stop: before the bound or the expiry is passed, or at once when a renewal is
   * refused, the lease is released, or the client is closed. Its reason is a `TsoClientError`.
   */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /**
   * Whether the holder may stamp this millisecond now. It reads the clocks, so it also holds where the signal
   * is late: in a process that was stopped, or on a machine that slept.
   *
   * @param physicalMs milliseconds since the Unix epoch
   */
  mayStamp(physicalMs: number): boolean {
    return !this.signal.aborted && physicalMs <= this.boundMs && this.#term.trustedForMs > 0;
  }

  /** What can be logged of it. */
  toJSON(): HeldLeaseJson {
    const { leaseId, boundMs, expiresAtMs } = this.#grant;
    return { leaseId, boundMs, expiresAtMs, epoch: String(this.epoch) };
  }

  /** Fires the signal, stops renewing, and releases the lease as far as the server can be reached. Never throws. */
  release(): Promise<void> {
    this.#released ??= this.#release();
    return this.#released;
  }

  /** Releases the lease. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  /** Ends when the lease can be trusted no more. */
  async #watch(): Promise<never> {
    const { clock } = this.#options;
    await waitOut(clock, { leftMs: () => this.#term.trustedForMs, signal: this.signal });
    throw this.#untrusted();
  }

  /** Renews in time, again and again. Ends when the server refuses for good. */
  async #renew(): Promise<never> {
    const { clock } = this.#options;
    for (;;) {
      await waitOut(clock, { leftMs: () => this.#term.renewalDueInMs, signal: this.signal });
      const renewed = await renewUntilGranted(this.leaseId, {
        ...this.#options,
        signal: this.signal,
        timeoutMs: () => this.#term.trustedForMs,
        onFault: (error) => this.#lastFault = error,
      });
      this.#grant = renewed.grant;
      this.#term.arm(armingOf(renewed));
      const { onRenewed } = this.#options;
      // In a turn of its own: what it throws is not the fault of the lease.
      if (onRenewed !== undefined) queueMicrotask(() => onRenewed(this));
    }
  }

  #endWith(work: Promise<never>): void {
    work.catch((error: unknown) => {
      if (this.signal.aborted) return;
      this.#gone = isFinal(error);
      this.#end.abort(error);
      this.#options.onDone(this);
    });
  }

  #untrusted(): TsoClientError {
    const { ttlMs, marginMs } = this.#options.timing;
    return new TsoClientError(
      "deadline-exceeded",
      `Cannot hold lease ${this.leaseId} any longer: no renewal has succeeded in ${
        ttlMs - marginMs
      } of its ${ttlMs} ms by one of the clocks; see the cause`,
      { cause: this.#lastFault },
    );
  }

  async #release(): Promise<void> {
    this.#end.abort(new TsoClientError("closed", `Lease ${this.leaseId} was released`));
    if (!this.#gone) await releaseInTime(this.leaseId, this.#options);
    this.#options.onDone(this);
  }
}
