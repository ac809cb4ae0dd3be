// SPDX-License-Identifier: Apache-2.0

import type { ClientErrorCode } from "../../../src/client/errors.ts";
import { TsoClientError } from "../../../src/client/errors.ts";
import type { CallContext, LeaseGrant, LeaseRequest } from "../../../src/client/grants.ts";
import { LeaseHolder } from "../../../src/client/leases/lease_holder.ts";
import type { LeaseSource } from "../../../src/client/leases/lease_attempts.ts";
import { ManualClock } from "../../../src/testing/manual_clock.ts";

/** A fault of one attempt. */
export function fault(code: ClientErrorCode, status?: string): TsoClientError {
  return new TsoClientError(code, `scripted: ${code} ${status ?? ""}`, { status });
}

/** One attempt of a holder. */
export interface LeaseAttempt {
  readonly kind: "acquire" | "renew" | "release";
  /** When it was made, on the monotonic clock. */
  readonly atMs: number;
  readonly call: CallContext;
  readonly request?: LeaseRequest;
  readonly leaseId?: number;
}

/** What the server does with an attempt: it fails, hangs until it is given up, or grants after a while. */
export type LeaseScript = TsoClientError | "hang" | number;

/**
 * A server of leases whose wall clock is an hour ahead unless the test says otherwise. Each attempt takes the next entry of `script`, and
 * is granted at once when there is none.
 */
export class StubLeases implements LeaseSource {
  readonly attempts: LeaseAttempt[] = [];
  script: LeaseScript[] = [];
  /** How far the server's wall clock is ahead. */
  aheadMs = 3_600_000;
  readonly #clock: ManualClock;
  #live: (LeaseGrant & { readonly ttlMs: number; readonly holderEpoch: bigint }) | undefined;
  #nextId = 1;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  /** The server's wall clock. */
  get serverMs(): number {
    return this.#clock.nowMs() + this.aheadMs;
  }

  /** When each attempt of a kind was made, on the monotonic clock. */
  times(kind: LeaseAttempt["kind"]): number[] {
    return this.attempts.filter((each) => each.kind === kind).map(({ atMs }) => atMs);
  }

  async acquireLease(request: LeaseRequest, call: CallContext): Promise<LeaseGrant> {
    await this.#play({ kind: "acquire", atMs: this.#clock.monotonicMs(), call, request });
    const { ttlMs, holderEpoch } = request;
    const live = this.#live;
    if (
      live !== undefined && this.serverMs < live.expiresAtMs && live.holderEpoch === holderEpoch
    ) {
      return live;
    }
    this.#live = { ...this.#until(ttlMs), leaseId: this.#nextId++, ttlMs, holderEpoch };
    return this.#live;
  }

  async renewLease(leaseId: number, call: CallContext): Promise<LeaseGrant> {
    await this.#play({ kind: "renew", atMs: this.#clock.monotonicMs(), call, leaseId });
    const live = this.#live;
    if (live?.leaseId !== leaseId) throw fault("refused", "NOT_FOUND");
    if (this.serverMs >= live.expiresAtMs) throw fault("refused", "FAILED_PRECONDITION");
    this.#live = { ...live, ...this.#until(live.ttlMs) };
    return this.#live;
  }

  async releaseLease(leaseId: number, call: CallContext): Promise<void> {
    await this.#play({ kind: "release", atMs: this.#clock.monotonicMs(), call, leaseId });
    this.#live = undefined;
  }

  #until(ttlMs: number): Omit<LeaseGrant, "leaseId"> {
    const endMs = this.serverMs + ttlMs;
    return { boundMs: endMs, expiresAtMs: endMs, epoch: 5n };
  }

  async #play(attempt: LeaseAttempt): Promise<void> {
    this.attempts.push(attempt);
    const { signal, timeoutMs } = attempt.call;
    const next = this.script.shift();
    if (next instanceof TsoClientError) throw next;
    if (next === undefined) return;
    const waitMs = next === "hang" ? Infinity : next;
    await this.#clock.delay(Math.min(waitMs, timeoutMs), { signal });
    if (waitMs > timeoutMs) throw fault("deadline-exceeded");
  }
}

/** A holder over the stub, on a manual clock. */
export class LeaseRig {
  readonly clock = new ManualClock();
  readonly leases = new StubLeases(this.clock);
  epochs = 0;
  readonly holder = new LeaseHolder({
    source: this.leases,
    clock: this.clock,
    timeoutMs: 10_000,
    takeEpoch: () => Promise.resolve(1_000n + BigInt(this.epochs++)),
  });

  /** Runs the clock on until a promise has settled; fails after `limitMs`. */
  async run<T>(promise: Promise<T>, limitMs = 60_000): Promise<T> {
    let settled = false;
    const mark = () => {
      settled = true;
    };
    promise.then(mark, mark);
    const endMs = this.clock.monotonicMs() + limitMs;
    for (await this.clock.advance(0); !settled; await this.clock.advance(10)) {
      if (this.clock.monotonicMs() > endMs) throw new Error(`not settled within ${limitMs} ms`);
    }
    return await promise;
  }
}
