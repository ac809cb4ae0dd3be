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

/** A fault, and how often it strikes in a row. */
export type Series = readonly [Fault, number];

/** Every fault of an oracle. */
export const ORACLE_FAULTS: readonly Series[] = [
  [LEADER_KILLED, scaled(1, 50)],
  [LEADER_PAUSED, scaled(1, 30)],
  [ROLLING_RESTART, scaled(1, 10)],
  [STANDBY_KILLED, scaled(1, 3)],
  [LEADER_STOPPED, scaled(0, 10)],
  [LEADER_RETURNS, scaled(1, 5)],
  [FLAPPING, scaled(1, 5)],
];
/** Those that end a term without a word. */
export const SUDDEN_FAULTS: readonly Series[] = ORACLE_FAULTS.filter(([fault]) =>
  fault === LEADER_KILLED || fault === LEADER_PAUSED
);
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

/** What {@linkcode strikeAll} strikes with. */
export interface Arsenal {
  /** Faults of oracles. */
  readonly oracle: readonly Series[];
  /** Faults of their engine. */
  readonly engine: readonly Fault[];
}

/** Every fault alone, several times in a row, and then a mix of all that the seed decides. */
export async function strikeAll(
  { rig, strike }: Stage,
  { oracle, engine }: Arsenal,
): Promise<void> {
  for (const [fault, times] of oracle) {
    for (let time = 0; time < times; time++) await strike(fault);
  }
  for (const fault of engine) {
    for (let round = 0; round < ENGINE_ROUNDS; round++) await strike(fault);
  }
  const faults = [...oracle.map(([fault]) => fault), ...engine];
  for (let turn = 0; turn < MIXED; turn++) await strike(pick(rig.random, faults));
}
