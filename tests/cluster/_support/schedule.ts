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
import { shuffled } from "./random.ts";
import type { Fault } from "./rig.ts";
import type { Stage } from "./under_load.ts";

/** A fault, and how often it strikes in a row. */
export type Series = readonly [Fault, number];

/** Every fault of an oracle. */
export const ORACLE_FAULTS: readonly Series[] = [
  [LEADER_KILLED, scaled(1, 50)],
  [LEADER_PAUSED, scaled(1, 20)],
  [ROLLING_RESTART, scaled(1, 10)],
  [STANDBY_KILLED, scaled(1, 3)],
  [LEADER_STOPPED, scaled(0, 10)],
  [LEADER_RETURNS, scaled(1, 3)],
  [FLAPPING, scaled(1, 3)],
];
/** Those that end a term without a word. */
export const SUDDEN_FAULTS: readonly Series[] = ORACLE_FAULTS.filter(([fault]) =>
  fault === LEADER_KILLED || fault === LEADER_PAUSED
);
const ENGINE_ROUNDS = scaled(1, 5);
/** How often the mix goes through all faults, and after how many it ends. */
const MIXED_ROUNDS = scaled(1, 2);
const MIXED_AT_MOST = scaled(3, Infinity);

/**
 * A short lease, with a window from which a leader that was paused could still grant; in the full run also the lease
 * and the window as they are by default.
 */
export function setupsOf(engine: string): readonly SampleSetup[] {
  const short = { engine, leaseMs: 500, windowAheadMs: 10_000 };
  return LONG ? [short, { engine, leaseMs: 1_500, windowAheadMs: 3_000 }] : [short];
}

/** What {@linkcode strikeAll} strikes with. */
export interface Arsenal {
  /** Faults of oracles. */
  readonly oracle: readonly Series[];
  /** Faults of their engine. */
  readonly engine: readonly Fault[];
}

/** Every fault alone, several times in a row. */
export async function strikeAll({ strike }: Stage, { oracle, engine }: Arsenal): Promise<void> {
  for (const [fault, times] of oracle) {
    for (let time = 0; time < times; time++) await strike(fault);
  }
  for (const fault of engine) {
    for (let round = 0; round < ENGINE_ROUNDS; round++) await strike(fault);
  }
}

/**
 * All faults in an order that the seed decides, and then again in another. The short form ends after the first few of
 * them, each of which any fault may be.
 */
export async function strikeMixed(
  { rig, strike }: Stage,
  faults: readonly Fault[],
): Promise<void> {
  for (let round = 0; round < MIXED_ROUNDS; round++) {
    const order = shuffled(rig.random, faults);
    for (const fault of order.slice(0, MIXED_AT_MOST)) await strike(fault);
  }
}
