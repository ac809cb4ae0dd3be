// SPDX-License-Identifier: Apache-2.0

import type { ReadinessSource } from "../rpc/readiness.ts";
import type { TimestampSource } from "../rpc/timestamp_source.ts";
import type { OracleEnd } from "../server/oracle.ts";

/** The part of an `Oracle` that a server needs. */
export interface ServableOracle extends TimestampSource, ReadinessSource {
  /** Settles once the oracle has ended. */
  readonly finished: Promise<OracleEnd>;
}
