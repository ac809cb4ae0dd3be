// SPDX-License-Identifier: Apache-2.0

import type { Epoch } from "./epoch.ts";

/** Longest holder of a lease, in bytes (behaviour.md 1.6). */
export const MAX_LEASE_HOLDER_BYTES = 128;

/** A lease as it is kept and as it travels to the store (behaviour.md 5.1). Times are on the wall clock. */
export interface LeaseRecord {
  /** Names the lease, for ever: the high-water that its acquisition made durable, in milliseconds. */
  readonly leaseId: number;
  /** Who holds it: 1 to 128 bytes, compared byte by byte. */
  readonly holder: Uint8Array;
  /** The holder's own generation, an unsigned 64-bit number. */
  readonly holderEpoch: bigint;
  /** How long it lasts without a renewal, in milliseconds. */
  readonly ttlMs: number;
  /** The highest physical millisecond that the holder may stamp. */
  readonly boundMs: number;
  /** When it ends, in milliseconds since the Unix epoch. */
  readonly expiresAtMs: number;
  /** Whether a higher epoch of the same holder has taken its place. It then cannot be renewed. */
  readonly superseded: boolean;
}

/** Who asks for a lease. */
export interface LeaseClaim {
  /** 1 to 128 bytes. */
  readonly holder: Uint8Array;
  /** The holder's own generation. */
  readonly holderEpoch: bigint;
}

/** What a holder asks for. */
export interface LeaseRequest extends LeaseClaim {
  /** How long the lease lasts without a renewal, in milliseconds. */
  readonly ttlMs: number;
}

/** A lease as its holder sees it. */
export interface LeaseGrant {
  /** Names the lease in renewals and releases. */
  readonly leaseId: number;
  /** The highest physical millisecond that the holder may stamp. */
  readonly boundMs: number;
  /** When the lease ends, in milliseconds since the Unix epoch on the server's clock. */
  readonly expiresAtMs: number;
  /** The epoch of the leader that answers. */
  readonly epoch: Epoch;
}

/** What a table says to a claim. */
export type ClaimOutcome =
  | { readonly kind: "live"; readonly lease: LeaseRecord }
  | { readonly kind: "stale"; readonly heldEpoch: bigint }
  | { readonly kind: "free" };

/** What a table says about a lease id. */
export type LeaseLookup =
  | { readonly kind: "live"; readonly lease: LeaseRecord }
  | { readonly kind: "expired"; readonly lease: LeaseRecord }
  | { readonly kind: "superseded"; readonly byEpoch: bigint }
  | { readonly kind: "unknown" };

/**
 * The leases of one leadership (behaviour.md 1.5, 2.7). It changes only by the whole: a caller projects the
 * next set, makes it durable, and then puts it in place, so that memory never runs ahead of the store.
 *
 * A lease has expired once the clock reads its expiry or more. Expired leases bind nothing and are left out
 * of every projection.
 */
export class LeaseTable {
  #leases: readonly LeaseRecord[] = [];
  /** By id, what was sent to the store and may be in it. */
  readonly #inDoubt = new Map<number, LeaseRecord>();
  #isSettled = true;
  #latestMs = 0;

  /** Begins a leadership with what the store holds. Expired leases are as good as unknown from the start. */
  seed(leases: readonly LeaseRecord[], nowMs: number): void {
    this.clear();
    this.#leases = leases.filter((lease) => !hasExpired(lease, nowMs));
  }

  /** Puts a projection in place that has become durable. The store holds it and nothing else. */
  replace(leases: readonly LeaseRecord[]): void {
    this.#leases = leases;
    this.#inDoubt.clear();
    this.#isSettled = true;
  }

  /** Forgets everything: the leadership has ended. */
  clear(): void {
    this.replace([]);
    this.#latestMs = 0;
  }

  /**
   * The clock of this table: the latest reading of the wall clock under this leadership. A clock that goes back
   * brings no lease back to life, so the frontier that has passed it stays true.
   */
  clock(nowMs: number): number {
    this.#latestMs = Math.max(this.#latestMs, nowMs);
    return this.#latestMs;
  }

  /**
   * Whether the store holds what is in place. After a replacement that failed it may hold that instead, or
   * come to hold it, until the next {@linkcode replace}.
   */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Notes that a replacement is sent to the store. */
  unsettle(): void {
    this.#isSettled = false;
  }

  /**
   * Lets a lease bind the frontier before it is granted or renewed. Until the next {@linkcode replace} the
   * store may come to hold it, also if its write fails, so the frontier must not pass its bound and fall back.
   *
   * @returns takes it back: this time it was never sent to the store
   */
  expect(lease: LeaseRecord): () => void {
    const { leaseId } = lease;
    const before = this.#inDoubt.get(leaseId);
    this.#inDoubt.set(leaseId, before === undefined ? lease : bindingLonger(before, lease));
    return () => {
      if (before === undefined) this.#inDoubt.delete(leaseId);
      else this.#inDoubt.set(leaseId, before);
    };
  }

  /** Every lease that has not expired, superseded ones included. */
  unexpired(nowMs: number): readonly LeaseRecord[] {
    return this.#leases.filter((lease) => !hasExpired(lease, nowMs));
  }

  /** How many leases bind the frontier, those in doubt included. */
  size(nowMs: number): number {
    return this.#binding(nowMs).length;
  }

  /** Whether a holder can have a lease: it has one of this epoch, one of a later epoch, or neither. */
  claim(claim: LeaseClaim, nowMs: number): ClaimOutcome {
    const lease = this.unexpired(nowMs)
      .find((held) => !held.superseded && sameBytes(held.holder, claim.holder));
    if (lease === undefined || lease.holderEpoch < claim.holderEpoch) return { kind: "free" };
    return lease.holderEpoch === claim.holderEpoch
      ? { kind: "live", lease }
      : { kind: "stale", heldEpoch: lease.holderEpoch };
  }

  /** Looks a lease up for its renewal or release. */
  find(leaseId: number, nowMs: number): LeaseLookup {
    const lease = this.#leases.find((held) => held.leaseId === leaseId);
    if (lease === undefined) return { kind: "unknown" };
    if (hasExpired(lease, nowMs)) return { kind: "expired", lease };
    if (!lease.superseded) return { kind: "live", lease };
    return { kind: "superseded", byEpoch: this.#successorEpoch(lease) };
  }

  /** The set after a grant: with the new lease, and what its holder had before superseded. */
  withGranted(granted: LeaseRecord, nowMs: number): readonly LeaseRecord[] {
    const others = this.unexpired(nowMs).map((lease) =>
      !lease.superseded && sameBytes(lease.holder, granted.holder)
        ? { ...lease, superseded: true }
        : lease
    );
    return [...others, granted];
  }

  /** The set after a renewal. */
  withRenewed(renewed: LeaseRecord, nowMs: number): readonly LeaseRecord[] {
    return this.unexpired(nowMs)
      .map((lease) => lease.leaseId === renewed.leaseId ? renewed : lease);
  }

  /** The set after a release. */
  without(leaseId: number, nowMs: number): readonly LeaseRecord[] {
    return this.unexpired(nowMs).filter((lease) => lease.leaseId !== leaseId);
  }

  /**
   * The smallest bound of all leases that have not expired, those in doubt included, in milliseconds;
   * Infinity if there is none.
   */
  minBoundMs(nowMs: number): number {
    return this.#binding(nowMs).reduce((min, lease) => Math.min(min, lease.boundMs), Infinity);
  }

  #binding(nowMs: number): readonly LeaseRecord[] {
    const inDoubt = [...this.#inDoubt.values()].filter((lease) => !hasExpired(lease, nowMs));
    return [...this.unexpired(nowMs), ...inDoubt];
  }

  /** The highest epoch of the same holder above the lease's own, or else that. */
  #successorEpoch(lease: LeaseRecord): bigint {
    return this.#leases
      .filter((other) => sameBytes(other.holder, lease.holder))
      .reduce((max, other) => other.holderEpoch > max ? other.holderEpoch : max, lease.holderEpoch);
  }
}

/** Of two states of one lease the store may hold either: the smaller bound, until the later expiry. */
function bindingLonger(one: LeaseRecord, other: LeaseRecord): LeaseRecord {
  const boundMs = Math.min(one.boundMs, other.boundMs);
  const expiresAtMs = Math.max(one.expiresAtMs, other.expiresAtMs);
  return { ...other, boundMs, expiresAtMs };
}

function hasExpired(lease: LeaseRecord, nowMs: number): boolean {
  return nowMs >= lease.expiresAtMs;
}

/** From the end: names of holders differ there more often than at the beginning. */
function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let index = one.length - 1; index >= 0; index--) {
    if (one[index] !== other[index]) return false;
  }
  return true;
}
