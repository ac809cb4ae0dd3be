// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { LeaseRecord } from "../../../src/core/lease_table.ts";
import type { LeaseGrant, LeaseRequest } from "../../../src/core/lease_table.ts";

/** A lease as its holder knows it. */
interface KnownLease {
  readonly name: string;
  boundMs: number;
  expiresAtMs: number;
  /** Calls about it that have no answer yet. */
  pending: number;
  /** Whether a call about it failed without telling what it did, and none succeeded since. */
  inDoubt: boolean;
  /** Whether a node that served has seen its expiry: it may have been dropped since. */
  hasLapsed: boolean;
  isReleased: boolean;
}

/**
 * All leases of a cluster, as their holders and the engine saw them.
 *
 * An overtaken leader may still show what it has in memory, so bounds and frontier are compared only where
 * leaders never overlap.
 */
export class LeaseLedger {
  readonly #isStrict: boolean;
  readonly #known = new Map<number, KnownLease>();
  /** Whose each id is, of all that ever became durable. */
  readonly #owners = new Map<number, string>();

  /** @param isStrict whether leaders never overlap */
  constructor(isStrict: boolean) {
    this.#isStrict = isStrict;
  }

  /** The ids that were granted, in their order. */
  get ids(): readonly number[] {
    return [...this.#known.keys()];
  }

  /** Checks what has become durable: an id has one owner for ever, and no bound is above the high-water. */
  noteStored(leases: readonly LeaseRecord[], highWaterMs: number): void {
    assert.equal(new Set(leases.map(({ leaseId }) => leaseId)).size, leases.length, "an id twice");
    for (const { leaseId, holder, holderEpoch, boundMs } of leases) {
      const name = nameOf(holder, holderEpoch);
      assert.equal(this.#owners.get(leaseId) ?? name, name, `id ${leaseId} was given twice`);
      this.#owners.set(leaseId, name);
      assert(boundMs <= highWaterMs, "a bound above the high-water became durable");
    }
  }

  /** Takes in that somebody asks about a lease. */
  noteAsked(leaseId: number): void {
    const lease = this.#known.get(leaseId);
    if (lease !== undefined) lease.pending++;
  }

  /** Takes in the end of such a call, and whether it tells what the call did. */
  noteSettled(leaseId: number, isKnown: boolean): void {
    const lease = this.#known.get(leaseId);
    if (lease === undefined) return;
    lease.pending--;
    if (!isKnown) lease.inDoubt = true;
  }

  /** Takes in what a holder was granted. */
  noteGranted({ holder, holderEpoch }: LeaseRequest, grant: LeaseGrant): void {
    const { leaseId } = grant;
    const name = nameOf(holder, holderEpoch);
    assert.equal(this.#owners.get(leaseId), name, `lease ${leaseId} is another's, or not durable`);
    const known = this.#known.get(leaseId);
    if (known !== undefined) return this.#update(known, grant);
    this.#known.set(leaseId, {
      name,
      boundMs: grant.boundMs,
      expiresAtMs: grant.expiresAtMs,
      pending: 0,
      inDoubt: false,
      hasLapsed: false,
      isReleased: false,
    });
  }

  /** Takes in a renewal. */
  noteRenewed(grant: LeaseGrant): void {
    const known = this.#known.get(grant.leaseId);
    assert(known !== undefined, `nobody knows lease ${grant.leaseId}`);
    this.#update(known, grant);
  }

  /** Takes in a release, which is for ever. */
  noteReleased(leaseId: number): void {
    const known = this.#known.get(leaseId);
    if (known !== undefined) known.isReleased = true;
  }

  /** Takes in the clock of a node that serves: it may drop what has expired by it. */
  noteClock(nowMs: number): void {
    for (const lease of this.#known.values()) {
      if (nowMs >= lease.expiresAtMs) lease.hasLapsed = true;
    }
  }

  /** Checks that the store holds every lease that binds. */
  checkStored(stored: readonly LeaseRecord[]): void {
    const bounds = new Map(stored.map(({ leaseId, boundMs }) => [leaseId, boundMs]));
    for (const [id, { boundMs }] of this.#binding()) {
      assert((bounds.get(id) ?? -1) >= boundMs, `the store has lost lease ${id}`);
    }
  }

  /** Checks that a frontier heeds every lease that binds. */
  checkFrontier(frontierMs: number): void {
    for (const [id, { boundMs }] of this.#binding()) {
      assert(frontierMs <= boundMs, `the frontier ${frontierMs} has passed lease ${id}`);
    }
  }

  /** The leases that a holder may rely on at this moment. */
  #binding(): (readonly [number, KnownLease])[] {
    if (!this.#isStrict) return [];
    return [...this.#known].filter(([, lease]) =>
      !(lease.hasLapsed || lease.isReleased || lease.inDoubt || lease.pending > 0)
    );
  }

  #update(known: KnownLease, grant: LeaseGrant): void {
    if (this.#isStrict) assert(grant.boundMs >= known.boundMs, "a bound went down");
    // This answer comes after the calls whose outcome nobody knows, and tells what they came to.
    known.inDoubt = false;
    known.boundMs = Math.max(known.boundMs, grant.boundMs);
    known.expiresAtMs = grant.expiresAtMs;
    known.hasLapsed = false;
  }
}

function nameOf(holder: Uint8Array, holderEpoch: bigint): string {
  return `${holder}@${holderEpoch}`;
}
