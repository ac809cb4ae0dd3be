// SPDX-License-Identifier: Apache-2.0

import type { ConsensusDriver } from "../consensus/driver.ts";
import type { Epoch } from "../core/epoch.ts";
import type { LeaseRecord, LeaseTable } from "../core/lease_table.ts";
import { OracleError } from "./errors.ts";
import type { Meter } from "./meter.ts";
import { classifyPersistFault } from "./persist_fault.ts";
import type { ServingCore } from "./serving_core.ts";
import { checkPersisted } from "./window.ts";

/** Thrown inside an operation whose leadership has ended. */
export const TERM_ENDED: Error = new Error("the leadership has ended");

/** What a {@linkcode LeaseStore} works with. */
export interface LeaseStoreOptions {
  /** The engine. */
  readonly driver: ConsensusDriver;
  /** Leadership, allocator and the table. */
  readonly core: ServingCore;
  /** Counters. */
  readonly meter: Meter;
  /** Fires when driver calls are to be abandoned. */
  readonly abandon: AbortSignal;
}

type PersistLeases = NonNullable<ConsensusDriver["persistLeases"]>;

/**
 * The two durable steps of a lease operation. After each wait the epoch is checked again, in the same turn
 * in which memory changes: an operation that a new leadership has overtaken changes nothing of it.
 */
export class LeaseStore {
  readonly #driver: ConsensusDriver;
  readonly #core: ServingCore;
  readonly #meter: Meter;
  readonly #abandon: AbortSignal;
  readonly #persistLeases: PersistLeases;

  private constructor(options: LeaseStoreOptions, persistLeases: PersistLeases) {
    this.#driver = options.driver;
    this.#core = options.core;
    this.#meter = options.meter;
    this.#abandon = options.abandon;
    this.#persistLeases = persistLeases;
  }

  /** A store over a driver that knows leases, or nothing. */
  static over(options: LeaseStoreOptions): LeaseStore | undefined {
    const { driver } = options;
    if (driver.persistLeases === undefined || driver.loadLeases === undefined) return undefined;
    return new LeaseStore(options, driver.persistLeases.bind(driver));
  }

  /**
   * Raises the durable high-water, in the store and in the window. Another extension may have raised it
   * further meanwhile; what the engine returned is durable all the same.
   *
   * @returns what is durable, at least `boundMs`
   */
  async raise(boundMs: number, epoch: Epoch): Promise<number> {
    const signal = this.#abandon;
    const persist = () => this.#driver.persistHighWater(boundMs, epoch, { signal });
    const durableMs = await this.#settle(
      "persist",
      epoch,
      async () => checkPersisted(await persist(), boundMs),
    );
    // Dropped if the leadership has ended, which `replace` finds.
    this.#core.allocator.commitExtension(durableMs, epoch);
    return durableMs;
  }

  /** Makes the next set of leases durable, then puts it in place. */
  async replace(
    project: (table: LeaseTable) => readonly LeaseRecord[],
    epoch: Epoch,
  ): Promise<void> {
    this.#checkEpoch(epoch);
    const { leases } = this.#core;
    const next = project(leases);
    leases.unsettle();
    const signal = this.#abandon;
    await this.#settle("persist leases", epoch, () => this.#persistLeases(next, epoch, { signal }));
    this.#checkEpoch(epoch);
    leases.replace(next);
  }

  async #settle<T>(what: string, epoch: Epoch, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const fault = classifyPersistFault(error, what);
      if (fault.kind === "stepped-down") {
        this.#core.depose(epoch, fault.fencedBy);
        throw TERM_ENDED;
      }
      this.#meter.count("tsoracle.lease.persist_failures.total");
      throw new OracleError(fault.code, fault.message, { cause: error });
    }
  }

  #checkEpoch(epoch: Epoch): void {
    if (this.#core.allocator.epoch !== epoch) throw TERM_ENDED;
  }
}
