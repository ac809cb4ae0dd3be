// SPDX-License-Identifier: Apache-2.0

import type { ClusterStore } from "../../../../src/drivers/cluster/store.ts";
import { LEADERSHIP_CASES } from "./store_contract_leadership.ts";
import { STATE_CASES } from "./store_contract_state.ts";

/** A new, empty engine state that several nodes can connect to. */
export interface StoreRig {
  /** Another client of the same state, as another node has. */
  readonly connect: () => ClusterStore;
  /** Closes all clients, and removes the state. */
  readonly close: () => Promise<void>;
  /**
   * Keeps the engine from answering from now on, such as by SIGSTOP, until the rig is closed. Absent: how calls end at a
   * silent engine is not tried.
   */
  readonly silence?: () => Promise<void> | void;
}

/** One promise of the contract, tried on a prepared store. */
export interface StoreCase {
  readonly title: string;
  readonly run: (trial: StoreTrial) => Promise<void>;
  /** What the rig must be able to do. */
  readonly needs?: "silence";
}

/** What a case works with. */
export interface StoreTrial {
  /** A client of one node. */
  readonly store: ClusterStore;
  /** A client of another. */
  readonly other: ClusterStore;
  readonly rig: StoreRig;
}

/** Options of {@linkcode testStoreContract}. */
export interface StoreContractOptions {
  /** Registers a test. */
  readonly test: (name: string, fn: () => Promise<void>) => void;
  /** Makes a new, empty state. */
  readonly open: () => Promise<StoreRig>;
  /** Whether the rig can be silenced. */
  readonly canBeSilent?: boolean;
}

/** Registers a test for every promise of {@linkcode ClusterStore} that can be tried from outside. */
export function testStoreContract(name: string, options: StoreContractOptions): void {
  const { test, open, canBeSilent = false } = options;
  for (const { title, run, needs } of [...LEADERSHIP_CASES, ...STATE_CASES]) {
    if (needs === "silence" && !canBeSilent) continue;
    test(`${name} ${title}`, async () => {
      const rig = await open();
      try {
        const store = rig.connect();
        await store.prepare({ timeoutMs: 30_000 });
        await run({ store, other: rig.connect(), rig });
      } finally {
        await rig.close();
      }
    });
  }
}
