// SPDX-License-Identifier: Apache-2.0

import type { Link } from "./link.ts";
import { BOTH } from "./relay.ts";
import type { Direction } from "./relay.ts";
import type { Fault } from "./rig.ts";
import { failOver, leaderOf, standbyOf } from "./rig.ts";

/** Calls of each client while a link is cut, and after it was mended. */
const CALLS = 10;

/**
 * What can happen between the oracles and their engine.
 *
 * @param links of each node, by its index
 */
export function partitionFaults(links: readonly Link[]): readonly Fault[] {
  const ways: readonly (readonly [string, readonly Direction[]])[] = [
    ["", BOTH],
    ["requests to ", ["to-engine"]],
    ["answers from ", ["from-engine"]],
  ];
  return [
    ...ways.map(([what, ways]) => leaderCut(`leader cut off, ${what}the engine`, { links, ways })),
    standbyCut(links),
  ];
}

interface CutOptions {
  readonly links: readonly Link[];
  readonly ways: readonly Direction[];
}

/** The leader loses its engine until another node leads. */
function leaderCut(name: string, { links, ways }: CutOptions): Fault {
  return {
    name,
    async strike(rig) {
      const leader = await leaderOf(rig);
      const link = links[leader.index]!;
      try {
        await failOver(rig, name, () => link.cut(ways));
        await rig.load.more(CALLS);
      } finally {
        await link.mend();
      }
      await rig.load.more(CALLS);
    },
  };
}

/** A standby loses its engine for a while, which nobody notices. */
function standbyCut(links: readonly Link[]): Fault {
  return {
    name: "standby cut off the engine",
    async strike(rig) {
      const link = links[(await standbyOf(rig)).index]!;
      try {
        await link.cut(BOTH);
        await rig.load.more(CALLS);
      } finally {
        await link.mend();
      }
      await rig.load.more(CALLS);
    },
  };
}
