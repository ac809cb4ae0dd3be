// SPDX-License-Identifier: Apache-2.0

import { STEP_BACK, STEP_FORWARD } from "./embedded_node.ts";
import { pick } from "./random.ts";
import type { Fault } from "./rig.ts";

/** How far the clocks of three embedded nodes are ahead, to begin with, in milliseconds. */
export const CLOCKS_APART_MS = [-30_000, 0, 30_000] as const;
const STEPS = 10;

/** The wall clocks of embedded nodes step by 30 s, each time another one, forward or back. */
export const CLOCKS_STEP: Fault = {
  name: "clocks that step",
  async strike({ cluster, load, random }) {
    for (let step = 0; step < STEPS; step++) {
      const node = pick(random, cluster.nodes);
      node.process.signal(pick(random, [STEP_FORWARD, STEP_BACK] as const));
      await load.more(2);
    }
  },
};
