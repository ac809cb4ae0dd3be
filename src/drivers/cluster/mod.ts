// SPDX-License-Identifier: Apache-2.0

/**
 * What the drivers of every engine have in common, as each of them exports it.
 *
 * @module
 */

export { ClusterDriver } from "./driver.ts";
export type { EngineTlsOptions } from "./location.ts";
export type { ClusterDriverOptions, ClusterNodeOptions } from "./options.ts";
export type { ClusterRestoreOptions, Restored } from "./restore.ts";
export type {
  Claim,
  ClusterStore,
  LeaseWrite,
  RestoredStore,
  SequenceWrite,
  Standing,
  StandingNews,
  StoreCallOptions,
  StoredLeases,
  StoredSequences,
  SwapOutcome,
  Term,
} from "./store.ts";
