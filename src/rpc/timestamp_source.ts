// SPDX-License-Identifier: Apache-2.0

import type { Grant } from "../core/allocator.ts";
import type { GetTsOptions, MaxSafe } from "../server/oracle.ts";

/** The part of an `Oracle` that the service calls. */
export interface TimestampSource {
  /**
   * Grants timestamps: at once while the window has room, otherwise by a promise.
   *
   * @throws {OracleError} if nothing was granted
   */
  getTs(count: number, options?: GetTsOptions): Grant | Promise<Grant>;

  /** The safe point; zero on a node that does not lead. */
  currentMaxSafe(): MaxSafe;
}
