// SPDX-License-Identifier: Apache-2.0

import type { ConsensusDriver } from "../consensus/driver.ts";
import type { Grant } from "../core/allocator.ts";
import type { Clock } from "../core/clock.ts";
import type { Epoch } from "../core/epoch.ts";
import type { Failpoint } from "../core/failpoint.ts";
import type { Metrics } from "./metrics.ts";
import type { ServingState } from "./serving.ts";

/** Options of {@linkcode Oracle}. */
export interface OracleOptions {
  readonly driver: ConsensusDriver;
  readonly clock?: Clock;
  readonly windowAheadMs?: number;
  readonly failoverAdvanceMs?: number;
  readonly refillFraction?: number;
  readonly shutdownGraceMs?: number;
  readonly heartbeatIntervalMs?: number;
  readonly metrics?: Metrics;
  readonly failpoint?: Failpoint;
}

/** Options of getTs. */
export interface GetTsOptions {
  readonly signal?: AbortSignal;
}

/** Safe point. */
export interface MaxSafe {
  readonly physicalMs: number;
  readonly epoch: Epoch;
}

/** How an oracle ended. */
export type OracleEnd =
  | { readonly kind: "stopped" }
  | { readonly kind: "failed"; readonly error: unknown };

/** Figures for gauges. */
export interface OracleSnapshot {
  readonly serving: boolean;
  readonly epoch: Epoch | undefined;
  readonly highWaterMs: number;
  readonly remainingMs: number;
}

/** STUB: signatures only; the body is being written. */
export class Oracle implements AsyncDisposable {
  /** Resolves once the oracle has stopped, cleanly or poisoned. Never rejects. */
  readonly finished: Promise<OracleEnd> = new Promise(() => {});
  constructor(_options: OracleOptions) {}
  get state(): ServingState {
    throw new Error("stub");
  }
  /** Serving and certain of the leadership. */
  get isServing(): boolean {
    throw new Error("stub");
  }
  /** State changes; first item is the present one. */
  watchState(
    _options: { readonly signal: AbortSignal },
  ): AsyncGenerator<ServingState, void, undefined> {
    throw new Error("stub");
  }
  /** Plain value while the window has room (no promise), a promise otherwise; throws OracleError, sync or async. */
  getTs(_count: number, _options: GetTsOptions = {}): Grant | Promise<Grant> {
    throw new Error("stub");
  }
  /** Never fails for leadership reasons; {0, 0n} while not leading. */
  currentMaxSafe(): MaxSafe {
    throw new Error("stub");
  }
  snapshot(): OracleSnapshot {
    throw new Error("stub");
  }
  /** Says not-serving at once, stops cooperatively within the grace, then by force. Idempotent. */
  close(): Promise<OracleEnd> {
    throw new Error("stub");
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
