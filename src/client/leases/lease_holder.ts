// SPDX-License-Identifier: Apache-2.0

import { abortable } from "../../core/abortable.ts";
import type { Clock } from "../../core/clock.ts";
import { checkClaim } from "../arguments.ts";
import { Deadline } from "../batching/deadline.ts";
import { Timeouts } from "../batching/timeouts.ts";
import { TsoClientError } from "../errors.ts";
import { Acquisition } from "./acquisition.ts";
import type { HeldLease } from "./held_lease.ts";
import { leaseTiming } from "./hold_options.ts";
import type { HoldLeaseOptions } from "./hold_options.ts";
import { armingOf, LeaseClock } from "./lease_clock.ts";
import type { LeaseTiming } from "./lease_clock.ts";
import type { ArmedLease, LeaseAttemptOptions, LeaseSource } from "./lease_attempts.ts";
import { obtainLease } from "./obtain_lease.ts";
import type { ClientCallOptions } from "../options.ts";
import { RenewedLease } from "./renewed_lease.ts";
import type { RenewedLeaseOptions } from "./renewed_lease.ts";

/** What a {@linkcode LeaseHolder} works with. */
export interface LeaseHolderOptions {
  /** Makes single attempts. */
  readonly source: LeaseSource;
  /** Takes a fresh timestamp, packed: the epoch of a holder that has none of its own. */
  readonly takeEpoch: (options: ClientCallOptions) => Promise<bigint>;
  /** Where time comes from. */
  readonly clock: Clock;
  /** The longest that an acquisition may take unless the call says otherwise, in milliseconds. */
  readonly timeoutMs: number;
}

/** What is wanted, checked. */
interface Wish {
  readonly claim: ReturnType<typeof checkClaim>;
  readonly isOurs: boolean;
}

/** Acquires leases to be held, and lets go of all of them at the end. */
export class LeaseHolder {
  readonly #options: LeaseHolderOptions;
  readonly #timeouts: Timeouts;
  readonly #held = new Set<HeldLease>();
  readonly #acquiring = new Map<Acquisition, Wish>();
  /** Acquisitions that nobody waits for any more, until what they may have acquired is released. */
  readonly #givenUp = new Set<Promise<void>>();
  readonly #closing = new AbortController();

  /** Holds nothing yet. */
  constructor(options: LeaseHolderOptions) {
    this.#options = options;
    this.#timeouts = new Timeouts(options.clock);
  }

  /**
   * Acquires a lease and begins to renew it.
   *
   * @throws {TsoClientError} the refusal, or `deadline-exceeded` with the last fault as its cause
   * @throws the signal's reason
   */
  async hold(holder: string | Uint8Array, options: HoldLeaseOptions): Promise<HeldLease> {
    const { ttlMs, holderEpoch, signal } = options;
    const { clock, source, timeoutMs: usualMs } = this.#options;
    const { timeoutMs = usualMs } = options;
    const claim = checkClaim({ holder, holderEpoch: holderEpoch ?? 0n, ttlMs });
    const wish = { claim, isOurs: holderEpoch === undefined };
    const timing = leaseTiming(options);
    this.#closing.signal.throwIfAborted();
    const deadline = new Deadline({ signal, timeoutMs }, this.#timeouts);
    const acquisition = new Acquisition((attempts) => this.#obtain(wish, attempts), {
      source,
      clock,
      timeoutMs,
    });
    this.#acquiring.set(acquisition, wish);
    try {
      const armed = await abortable(deadline.bound(acquisition.lease), this.#closing.signal);
      // The client may have been closed since the answer came, a turn ago.
      this.#closing.signal.throwIfAborted();
      checkLife(armed, clock, timing);
      this.#acquiring.delete(acquisition);
      return this.#keep(armed, { timing, onRenewed: options.onRenewed });
    } catch (error) {
      this.#giveUp(acquisition);
      throw deadline.explain(error, acquisition.fault);
    } finally {
      deadline.end();
    }
  }

  /** Ends acquisitions with the error, and lets go of every lease, of late ones too. Bounded; never rejects. */
  async close(error: TsoClientError): Promise<void> {
    this.#closing.abort(error);
    for (const acquisition of this.#acquiring.keys()) this.#giveUp(acquisition);
    const releases = [...this.#held].map((lease) => lease.release());
    await Promise.all([...releases, ...this.#givenUp]);
  }

  /** A lease with an epoch of the user may be that of another call, and is left to expire. */
  #giveUp(acquisition: Acquisition): void {
    const wish = this.#acquiring.get(acquisition);
    if (!this.#acquiring.delete(acquisition)) return;
    if (!wish?.isOurs) return acquisition.end();
    const done = acquisition.takeBack().then(() => void this.#givenUp.delete(done));
    this.#givenUp.add(done);
  }

  async #obtain({ claim, isOurs }: Wish, options: LeaseAttemptOptions): Promise<ArmedLease> {
    if (!isOurs) return await obtainLease(claim, { ...options, mayBeOlder: true });
    const { signal, timeoutMs } = options;
    const holderEpoch = await this.#options.takeEpoch({ signal, timeoutMs: timeoutMs() });
    return await obtainLease({ ...claim, holderEpoch }, { ...options, mayBeOlder: false });
  }

  #keep(
    armed: ArmedLease,
    holding: Pick<RenewedLeaseOptions, "timing" | "onRenewed">,
  ): HeldLease {
    const { source, clock } = this.#options;
    const onDone = (done: HeldLease) => this.#held.delete(done);
    const lease = new RenewedLease(armed, { source, clock, onDone, ...holding });
    this.#held.add(lease);
    return lease;
  }
}

/** A lease that ends before it could be trusted is of no use. Whoever has it, has it with a shorter ttl. */
function checkLife(lease: ArmedLease, clock: Clock, timing: LeaseTiming): void {
  if (new LeaseClock(clock, timing, armingOf(lease)).lifeMs > 0) return;
  const { leaseId, expiresAtMs } = lease.grant;
  throw new TsoClientError(
    "invalid-argument",
    `Cannot hold lease ${leaseId} with a ttlMs of ${timing.ttlMs}: the server ends it after ` +
      `${
        expiresAtMs - lease.armed.wallMs
      } ms, as it was acquired before; give the 'ttlMs' of then, or ` +
      "a higher 'holderEpoch'",
  );
}
