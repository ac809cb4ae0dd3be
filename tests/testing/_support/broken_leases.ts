// SPDX-License-Identifier: Apache-2.0

/** Drivers that break one promise of leases each. */

import { TransientError } from "../../../src/consensus/errors.ts";
import type { LeaseRecord } from "../../../src/core/lease_table.ts";
import { settle } from "../../../src/testing/manual_clock.ts";
import { ModelNode } from "./model_cluster.ts";

type Leases = readonly LeaseRecord[];

export class LacksPersistLeases extends ModelNode {
  static {
    Object.defineProperty(LacksPersistLeases.prototype, "persistLeases", { value: undefined });
  }
}

export class FindsLeasesOfNobody extends ModelNode {
  override async loadLeases(): Promise<Leases> {
    const nobody = { holder: new Uint8Array(1), holderEpoch: 0n, ttlMs: 1, boundMs: 0 };
    return [...await super.loadLeases(), {
      ...nobody,
      leaseId: 77,
      expiresAtMs: 0,
      superseded: true,
    }];
  }
}

export class CutsHolders extends ModelNode {
  override persistLeases(leases: Leases, epoch: bigint): Promise<void> {
    const cut = leases.map((lease) => ({ ...lease, holder: lease.holder.subarray(0, 127) }));
    return super.persistLeases(cut, epoch);
  }
}

export class KeepsOldLeases extends ModelNode {
  override async persistLeases(leases: Leases, epoch: bigint): Promise<void> {
    const ids = new Set(leases.map(({ leaseId }) => leaseId));
    const old = (await super.loadLeases()).filter(({ leaseId }) => !ids.has(leaseId));
    await super.persistLeases([...old, ...leases], epoch);
  }
}

export class PersistsLeasesInAnyOrder extends ModelNode {
  #turns = 100;

  override async persistLeases(leases: Leases, epoch: bigint): Promise<void> {
    await settle(this.#turns--);
    await super.persistLeases(leases, epoch);
  }
}

/** Sends again what was not answered, after what came later. */
export class PersistsLeasesTooLate extends ModelNode {
  #late: (() => Promise<void>) | undefined;

  override async persistLeases(leases: Leases, epoch: bigint): Promise<void> {
    const persist = () => super.persistLeases(leases, epoch);
    try {
      await persist();
      await this.#late?.();
    } catch (error) {
      if (error instanceof TransientError) this.#late = persist;
      throw error;
    }
  }
}

export class LoadsLeasesOnce extends ModelNode {
  #known: Leases | undefined;

  override async loadLeases(): Promise<Leases> {
    this.#known ??= await super.loadLeases();
    return this.#known;
  }
}
