// SPDX-License-Identifier: Apache-2.0

import type { Epoch } from "../../core/epoch.ts";

/** A lease in JSON; the epoch is a decimal number of up to 128 bits. */
export interface HeldLeaseJson {
  /** Names the lease at the server. */
  readonly leaseId: number;
  /** The highest physical millisecond that the holder may stamp. */
  readonly boundMs: number;
  /** When it ends unless it is renewed, in milliseconds since the Unix epoch on the server's clock. */
  readonly expiresAtMs: number;
  /** The epoch of the leader that answered last. */
  readonly epoch: string;
}

/**
 * A lease that is renewed until it is released or lost. Its holder may stamp timestamps of its own while
 * {@linkcode HeldLease.mayStamp} says so, and must stop when {@linkcode HeldLease.signal} fires.
 */
export interface HeldLease extends AsyncDisposable {
  /** Names the lease at the server. */
  readonly leaseId: number;
  /** The highest physical millisecond that the holder may stamp; a renewal moves it forward. */
  readonly boundMs: number;
  /** When it ends unless it is renewed, in milliseconds since the Unix epoch on the server's clock. */
  readonly expiresAtMs: number;
  /** The epoch of the leader that answered last. */
  readonly epoch: Epoch;
  /**
   * Fires when the holder must stop: before the bound or the expiry is passed, or at once when a renewal is
   * refused, the lease is released, or the client is closed. Its reason is a `TsoClientError`.
   */
  readonly signal: AbortSignal;
  /**
   * Whether the holder may stamp this millisecond now. It reads the clocks, so it also holds where the signal
   * is late: in a process that was stopped, or on a machine that slept.
   *
   * @param physicalMs milliseconds since the Unix epoch
   */
  mayStamp(physicalMs: number): boolean;
  /** What can be logged of it. */
  toJSON(): HeldLeaseJson;
  /** Fires the signal, stops renewing, and releases the lease as far as the server can be reached. Never rejects. */
  release(): Promise<void>;
}
