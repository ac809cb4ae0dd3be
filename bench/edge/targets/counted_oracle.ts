// SPDX-License-Identifier: Apache-2.0

import { MemoryDriver } from "../../../src/drivers/memory/mod.ts";
import type { Metrics } from "../../../src/server/mod.ts";
import { NO_METRICS, Oracle } from "../../../src/server/mod.ts";

/** An oracle that tells how often it granted. */
export interface CountedOracle {
  /** It serves, in memory. */
  readonly oracle: Oracle;
  /** Calls that were granted since its start. */
  readonly grants: () => number;
}

/** Starts one and waits until it serves. */
export async function startCountedOracle(): Promise<CountedOracle> {
  let grants = 0;
  const metrics: Metrics = {
    ...NO_METRICS,
    count(name, by) {
      if (name === "tsoracle.get_ts.success.total") grants += by;
    },
  };
  const oracle = new Oracle({ driver: new MemoryDriver(), heartbeatIntervalMs: 0, metrics });
  await oracle.untilServing();
  return { oracle, grants: () => grants };
}
