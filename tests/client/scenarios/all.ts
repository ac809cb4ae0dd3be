// SPDX-License-Identifier: Apache-2.0

import type { Ability, Scenario } from "./_support/scenario.ts";
import * as coalescing from "./coalescing.ts";
import * as ends from "./ends.ts";
import * as hints from "./hints.ts";
import * as leases from "./leases.ts";
import * as leaderChanges from "./leader_changes.ts";
import * as reachability from "./reachability.ts";
import * as sequences from "./sequences.ts";
import * as tls from "./tls.ts";

/** Every scenario. */
export const SCENARIOS: readonly Scenario[] = [
  coalescing,
  hints,
  reachability,
  leaderChanges,
  sequences,
  leases,
  ends,
  tls,
].flatMap((topic): Scenario[] => Object.values(topic).flat());

/** Those that a client with these abilities can be in. */
export function scenariosFor(abilities: readonly Ability[]): readonly Scenario[] {
  return SCENARIOS.filter(({ needs }) => needs === undefined || abilities.includes(needs));
}
