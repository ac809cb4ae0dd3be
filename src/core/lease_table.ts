// SPDX-License-Identifier: Apache-2.0

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
  #expected: LeaseRecord | undefined;
  #isSettled = true;

  /** Begins a leadership with what the store holds. Expired leases are as good as unknown from the start. */
  seed(leases: readonly LeaseRecord[], nowMs: number): void {
    this.replace(leases.filter((lease) => !hasExpired(lease, nowMs)));
  }

  /** Puts a projection in place that has become durable. The store holds it and nothing else. */
  replace(leases: readonly LeaseRecord[]): void {
    this.#leases = leases;
    this.#expected = undefined;
    this.#isSettled = true;
  }

  /** Forgets everything: the leadership has ended. */
  clear(): void {
    this.replace([]);
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
   * Lets a lease bind the frontier before it is granted. Until the next {@linkcode replace} the store may
   * come to hold it, also if its write fails, so the frontier must not pass its bound and fall back.
   */
  expect(lease: LeaseRecord): void {
    this.#expected = lease;
  }

  /** Takes {@linkcode expect} back: the lease was never sent to the store. */
  unexpect(lease: LeaseRecord): void {
    if (this.#expected === lease) this.#expected = undefined;
  }

  /** Every lease that has not expired, superseded ones included. */
  unexpired(nowMs: number): readonly LeaseRecord[] {
    return this.#leases.filter((lease) => !hasExpired(lease, nowMs));
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
      sameBytes(lease.holder, granted.holder) ? { ...lease, superseded: true } : lease
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
   * The smallest bound of all leases that have not expired, the expected one included, in milliseconds;
   * Infinity if there is none.
   */
  minBoundMs(nowMs: number): number {
    const expected = this.#expected;
    const leases = this.unexpired(nowMs);
    const binding = expected === undefined || hasExpired(expected, nowMs)
      ? leases
      : [...leases, expected];
    return binding.reduce((min, lease) => Math.min(min, lease.boundMs), Infinity);
  }

  /** The highest epoch of the same holder above the lease's own, or else that. */
  #successorEpoch(lease: LeaseRecord): bigint {
    return this.#leases
      .filter((other) => sameBytes(other.holder, lease.holder))
      .reduce((max, other) => other.holderEpoch > max ? other.holderEpoch : max, lease.holderEpoch);
  }
}

function hasExpired(lease: LeaseRecord, nowMs: number): boolean {
  return nowMs >= lease.expiresAtMs;
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
