// SPDX-License-Identifier: Apache-2.0

import type { TimestampSource } from "../rpc/timestamp_source.ts";
import type { OracleEnd } from "../server/oracle.ts";
import type { ServingState } from "../server/serving.ts";

/** The part of an `Oracle` that a server needs. */
export interface ServableOracle extends TimestampSource {
  /** Whether a call would be granted now. */
  readonly isServing: boolean;
  /** The published serving state. */
  readonly state: ServingState;
  /** Settles once the oracle has ended. */
  readonly finished: Promise<OracleEnd>;
}
