// SPDX-License-Identifier: Apache-2.0

import type { SampleSetup } from "../../../bench/failover/samples.ts";
import { LONG, scaled } from "../../_support/levels.ts";
import {
  FLAPPING,
  LEADER_KILLED,
  LEADER_PAUSED,
  LEADER_RETURNS,
  LEADER_STOPPED,
  ROLLING_RESTART,
  STANDBY_KILLED,
} from "./leader_faults.ts";
import { pick } from "./random.ts";
import type { Fault } from "./rig.ts";
import type { Stage } from "./under_load.ts";

/** Each fault of an oracle, and how often it strikes in a row. */
const ORACLE_FAULTS: readonly (readonly [Fault, number])[] = [
  [LEADER_KILLED, scaled(1, 50)],
  [LEADER_PAUSED, scaled(1, 30)],
  [ROLLING_RESTART, scaled(1, 10)],
  [STANDBY_KILLED, scaled(1, 3)],
  [LEADER_STOPPED, scaled(0, 10)],
  [LEADER_RETURNS, scaled(1, 5)],
  [FLAPPING, scaled(1, 5)],
];
const ENGINE_ROUNDS = scaled(1, 8);
const MIXED = scaled(1, 40);

/**
 * A short lease, with a window from which a leader that was paused could still grant; in the full run also the lease
 * as it is by default, and windows that keep the engine busy.
 */
export function setupsOf(engine: string): readonly SampleSetup[] {
  const short = { engine, leaseMs: 500, windowAheadMs: 10_000 };
  const full = [{ engine, leaseMs: 1_500, windowAheadMs: 3_000 }, { ...short, windowAheadMs: 300 }];
  return [short, ...LONG ? full : []];
}

/** Every fault alone, several times in a row, and then a mix of all that the seed decides. */
export async function strikeAll(
  { rig, strike }: Stage,
  engineFaults: readonly Fault[],
): Promise<void> {
  for (const [fault, times] of ORACLE_FAULTS) {
    for (let time = 0; time < times; time++) await strike(fault);
  }
  for (const fault of engineFaults) {
    for (let round = 0; round < ENGINE_ROUNDS; round++) await strike(fault);
  }
  const faults = [...ORACLE_FAULTS.map(([fault]) => fault), ...engineFaults];
  for (let turn = 0; turn < MIXED; turn++) await strike(pick(rig.random, faults));
}
