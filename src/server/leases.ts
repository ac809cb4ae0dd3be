// SPDX-License-Identifier: Apache-2.0

import { UINT64_MAX } from "../core/integer_limits.ts";
import { abortable } from "../core/abortable.ts";
import type { Epoch } from "../core/epoch.ts";
import { MAX_LEASE_HOLDER_BYTES } from "../core/lease_table.ts";
import type { LeaseGrant, LeaseRecord, LeaseRequest } from "../core/lease_table.ts";
import { isPhysicalMs } from "../core/timestamp.ts";
import type { CallOptions } from "./call_options.ts";
import { OracleError, unsupported } from "./errors.ts";
import { LeaseStore, TERM_ENDED } from "./lease_store.ts";
import type { Meter } from "./meter.ts";
import type { OracleSettings } from "./options.ts";
import type { ServingCore } from "./serving_core.ts";
import { Slot } from "./slot.ts";

/** Most lease operations that wait for their turn: each costs its caller a write, one after the other. */
const MAX_WAITING = 4_096;

/** The longest that one waits for its turn, in milliseconds: three deadlines of the file driver. */
const MAX_WAIT_MS = 30_000;

/** The frontier of all leases. */
export interface SafeFrontier {
  /** Milliseconds since the Unix epoch; 0 on a node that does not lead. */
  readonly physicalMs: number;
  /** The epoch that answers for it; zero if this node does not lead. */
  readonly epoch: Epoch;
}

/** The leadership that an operation began under, and what it writes to. */
interface Term {
  readonly store: LeaseStore;
  readonly epoch: Epoch;
}

/** What {@linkcode Leases} works with. */
export interface LeasesOptions {
  /** Checked settings of the oracle. */
  readonly settings: OracleSettings;
  /** Leadership, allocator and the table. */
  readonly core: ServingCore;
  /** Counters. */
  readonly meter: Meter;
  /** Fires when driver calls are to be abandoned: the shutdown grace is over. */
  readonly abandon: AbortSignal;
}

/**
 * Leases: the right of a holder to stamp timestamps of its own, up to a bound and until an expiry.
 *
 * One operation runs at a time, in a slot that grants of timestamps never wait for. Each makes its bound
 * durable, then the whole next set of leases, then puts that in place; it ends as not-leader as soon as the
 * leadership that it began under ends. A crash between the two writes burns a range and records no lease.
 */
export class Leases {
  readonly #settings: OracleSettings;
  readonly #core: ServingCore;
  readonly #meter: Meter;
  readonly #store: LeaseStore | undefined;
  readonly #slot = new Slot();

  /** Made by the oracle. */
  constructor(options: LeasesOptions) {
    const { settings, core, meter, abandon } = options;
    this.#settings = settings;
    this.#core = core;
    this.#meter = meter;
    this.#store = LeaseStore.over({ driver: settings.driver, core, meter, abandon });
  }

  /**
   * Grants a lease. The live lease of the same holder and epoch is returned unchanged; a lower epoch's is
   * superseded: it cannot be renewed, and binds the frontier until it expires.
   *
   * The bound asked for is `max(high_water + 1, now + ttl)`, and what became durable is both the bound and
   * the id, so no two leases ever share an id.
   *
   * @throws {OracleError} see the codes
   */
  async acquire(request: LeaseRequest, options: CallOptions = {}): Promise<LeaseGrant> {
    this.#meter.count("tsoracle.lease.acquire.requests.total");
    const store = this.#admit(() => this.#checkRequest(request));
    // The caller's bytes may change while the call waits.
    const claim = { ...request, holder: request.holder.slice() };
    const grant = await this.#inSlot(options, (epoch) => this.#acquire(claim, { store, epoch }));
    this.#meter.count("tsoracle.lease.acquire.success.total");
    return grant;
  }

  /**
   * Moves the expiry of a live lease to `now + ttl`, with the ttl of its acquisition, and its bound to
   * `max(high_water, now + ttl)`: renewals alone never drive the high-water away from the clock.
   *
   * @throws {OracleError} see the codes
   */
  async renew(leaseId: number, options: CallOptions = {}): Promise<LeaseGrant> {
    this.#meter.count("tsoracle.lease.renew.requests.total");
    const store = this.#admit();
    const grant = await this.#inSlot(options, (epoch) => this.#renew(leaseId, { store, epoch }));
    this.#meter.count("tsoracle.lease.renew.success.total");
    return grant;
  }

  /**
   * Ends a lease, which then binds the frontier no more. An id that names no live lease is no error.
   *
   * @throws {OracleError} see the codes
   */
  async release(leaseId: number, options: CallOptions = {}): Promise<void> {
    this.#meter.count("tsoracle.lease.release.requests.total");
    const store = this.#admit();
    await this.#inSlot(options, (epoch) => this.#release(leaseId, { store, epoch }));
  }

  /**
   * The smallest bound of all unexpired leases, superseded ones included, and at most the durable
   * high-water. On a node that does not lead it is zero.
   */
  frontier(): SafeFrontier {
    const { allocator, leases } = this.#core;
    const { highWaterMs, epoch } = allocator;
    if (!this.#core.isServing || highWaterMs === undefined || epoch === undefined) {
      return { physicalMs: 0, epoch: 0n };
    }
    const boundMs = leases.minBoundMs(this.#nowMs());
    return { physicalMs: Math.min(highWaterMs, boundMs), epoch };
  }

  /** Waits until no operation is under way, whatever its epoch. */
  async drain(signal: AbortSignal): Promise<void> {
    await abortable(this.#slot.idle, signal);
  }

  async #acquire(request: LeaseRequest, term: Term): Promise<LeaseGrant> {
    const { store, epoch } = term;
    const { allocator, leases } = this.#core;
    const nowMs = this.#nowMs();
    const claim = leases.claim(request, nowMs);
    if (claim.kind === "live") {
      // A release that failed may still take the lease out of the store.
      if (!leases.isSettled) await store.replace((table) => table.unexpired(nowMs), epoch);
      return this.#inTime(claim.lease, epoch);
    }
    if (claim.kind === "stale") throw staleHolder(request.holderEpoch, claim.heldEpoch);
    this.#checkRoom(nowMs);
    const { holder, holderEpoch, ttlMs } = request;
    const expiresAtMs = nowMs + ttlMs;
    const highWaterMs = allocator.highWaterMs ?? 0;
    const askedMs = inRange(Math.max(highWaterMs + 1, this.#wallMs() + ttlMs));
    const terms = { holder, holderEpoch, ttlMs, expiresAtMs, superseded: false };
    const asked = { ...terms, leaseId: askedMs, boundMs: askedMs };
    const boundMs = await this.#secureBound(asked, term);
    const lease = { ...terms, leaseId: boundMs, boundMs };
    await store.replace((table) => table.withGranted(lease, nowMs), epoch);
    return this.#inTime(lease, epoch);
  }

  /** From here on the frontier stays at or below the bound, so that the grant does not take it back. */
  async #secureBound(asked: LeaseRecord, term: Term): Promise<number> {
    const takeBack = this.#core.leases.expect(asked);
    try {
      return await term.store.raise(asked.boundMs, term.epoch);
    } catch (error) {
      takeBack();
      throw error;
    }
  }

  async #renew(leaseId: number, term: Term): Promise<LeaseGrant> {
    const { store, epoch } = term;
    const { allocator, leases } = this.#core;
    const nowMs = this.#nowMs();
    const found = leases.find(leaseId, nowMs);
    switch (found.kind) {
      case "unknown":
        throw new OracleError("unknown-lease", `no lease has the id ${leaseId}; acquire a new one`);
      case "expired":
        throw new OracleError(
          "lease-expired",
          `lease ${leaseId} expired at ${found.lease.expiresAtMs}; acquire a new one`,
        );
      case "superseded":
        throw new OracleError(
          "lease-superseded",
          `lease ${leaseId} was superseded by the holder's epoch ${found.byEpoch}`,
        );
    }
    const expiresAtMs = nowMs + found.lease.ttlMs;
    const highWaterMs = allocator.highWaterMs ?? 0;
    const askedMs = inRange(Math.max(highWaterMs, this.#wallMs() + found.lease.ttlMs));
    const asked = { ...found.lease, boundMs: askedMs, expiresAtMs };
    const boundMs = await this.#secureBound(asked, term);
    const lease = { ...asked, boundMs };
    await store.replace((table) => table.withRenewed(lease, nowMs), epoch);
    return this.#inTime(lease, epoch);
  }

  async #release(leaseId: number, { store, epoch }: Term): Promise<void> {
    const nowMs = this.#nowMs();
    const found = this.#core.leases.find(leaseId, nowMs);
    if (found.kind === "unknown" || found.kind === "expired") return;
    await store.replace((table) => table.without(leaseId, nowMs), epoch);
  }

  /** A store that took longer than the ttl leaves nothing to hold. */
  #inTime(lease: LeaseRecord, epoch: Epoch): LeaseGrant {
    if (this.#nowMs() < lease.expiresAtMs) return granted(lease, epoch);
    throw new OracleError(
      "unavailable",
      `lease ${lease.leaseId} expired while it was written: the store took longer than ${lease.ttlMs} ms; ask again`,
    );
  }

  /** What bounds are made of: a clock that went back must not drive the high-water on. */
  #wallMs(): number {
    return this.#settings.clock.nowMs();
  }

  /** What expiries are made of and judged by. */
  #nowMs(): number {
    return this.#core.leases.clock(this.#wallMs());
  }

  /** Leadership first, then the request, then the driver: the order of behaviour.md 1.4. */
  #admit(check: () => void = () => {}): LeaseStore {
    if (!this.#core.isServing) throw this.#core.notLeader();
    check();
    if (this.#store === undefined) throw unsupported("leases");
    return this.#store;
  }

  async #inSlot<T>(options: CallOptions, work: (epoch: Epoch) => Promise<T>): Promise<T> {
    const { termSignal } = this.#core;
    const { signal } = options;
    const signals = signal === undefined ? [termSignal] : [termSignal, signal];
    if (this.#slot.waiting >= MAX_WAITING) throw busy(`${MAX_WAITING} lease operations wait`);
    const askedMs = this.#settings.clock.monotonicMs();
    try {
      return await this.#slot.run(async () => {
        const waitedMs = this.#settings.clock.monotonicMs() - askedMs;
        if (waitedMs > MAX_WAIT_MS) throw busy(`this one waited for ${Math.round(waitedMs)} ms`);
        const { epoch } = this.#core.allocator;
        if (!this.#core.isServing || epoch === undefined) throw TERM_ENDED;
        return await work(epoch);
      }, signals);
    } catch (error) {
      if (error === TERM_ENDED || termSignal.aborted) throw this.#core.notLeader();
      throw error;
    }
  }

  #checkRequest(request: LeaseRequest): void {
    const { minLeaseTtlMs, maxLeaseTtlMs } = this.#settings;
    const { length } = request.holder;
    if (length < 1 || length > MAX_LEASE_HOLDER_BYTES) {
      throw new OracleError(
        "invalid-holder",
        `the holder must have 1 to ${MAX_LEASE_HOLDER_BYTES} bytes: it has ${length}`,
      );
    }
    const { holderEpoch, ttlMs } = request;
    if (holderEpoch < 0n || holderEpoch > UINT64_MAX) {
      throw new OracleError(
        "invalid-holder",
        `holder_epoch must be 0 to ${UINT64_MAX}: it is ${holderEpoch}`,
      );
    }
    if (!Number.isInteger(ttlMs) || ttlMs < minLeaseTtlMs || ttlMs > maxLeaseTtlMs) {
      throw new OracleError(
        "invalid-ttl",
        `ttl_ms must be ${minLeaseTtlMs} to ${maxLeaseTtlMs}: it is ${ttlMs}`,
      );
    }
  }

  #checkRoom(nowMs: number): void {
    const { maxLeases } = this.#settings;
    if (this.#core.leases.size(nowMs) < maxLeases) return;
    throw new OracleError(
      "lease-limit",
      `there are ${maxLeases} leases, which is the maximum; release one, wait for one to expire, or raise the maximum`,
    );
  }
}

function granted(lease: LeaseRecord, epoch: Epoch): LeaseGrant {
  const { leaseId, boundMs, expiresAtMs } = lease;
  return { leaseId, boundMs, expiresAtMs, epoch };
}

function staleHolder(requested: bigint, held: bigint): OracleError {
  return new OracleError(
    "stale-holder",
    `holder_epoch ${requested} is behind ${held}, which holds the lease`,
  );
}

function busy(why: string): OracleError {
  return new OracleError(
    "unavailable",
    `the store does not keep up with leases: ${why}; nothing was done, ask again later`,
  );
}

/** Unlike a timestamp beyond the range, a bound beyond it is INTERNAL (behaviour.md 1.4). */
function inRange(boundMs: number): number {
  if (isPhysicalMs(boundMs)) return boundMs;
  throw new OracleError("internal", `bound ${boundMs} exceeds 46-bit timestamp field`);
}
