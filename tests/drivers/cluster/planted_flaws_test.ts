// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import fc from "fast-check";
import { ANY_BLOWS, ANY_CLUSTER, live } from "./_support/blows.ts";
import { FLAWS } from "./_support/flaws.ts";
import type { SimulatedClusterOptions } from "./_support/simulated_cluster.ts";

/** Lives that each flaw is given; the seed is fixed, so that each is found in the same one every time. */
const LIVES = { numRuns: 60, seed: 8, endOnFailure: true };

/** Insists that one of many lives fails in the way that the flaw must show itself. */
async function assertNoticed(
  change: Partial<SimulatedClusterOptions>,
  noticed: RegExp,
): Promise<void> {
  const property = fc.asyncProperty(ANY_CLUSTER, ANY_BLOWS, async (options, blows) => {
    await live({ ...options, ...change }, blows).catch((error: unknown) => {
      if (noticed.test(String(error))) throw error;
    });
  });
  assert((await fc.check(property, LIVES)).failed, "the flaw was not noticed");
}

const NOTICED: Readonly<Record<string, RegExp>> = {
  "a heartbeat of unknown outcome counts": /two may grant/,
  "a term is taken over that has changed since it was seen": /two may grant/,
  "a term is given up before its certainty has ended": /two may grant/,
  "a heartbeat of a term that is over is acknowledged": /two may grant/,
  "a write of sequences is repeated under another name": /missing that nobody took/,
  "a write of leases that was not answered is made later, whatever is there": /have come after/,
};

for (const [flaw, wrap] of Object.entries(FLAWS)) {
  Deno.test(`the simulation notices when ${flaw}`, async () => {
    const noticed = NOTICED[flaw];
    assert(noticed !== undefined);
    await assertNoticed({ wrap }, noticed);
  });
}

Deno.test("the simulation notices a standby whose clock runs so fast that it takes over too early", async () => {
  await assertNoticed({ rates: [1, 2, 1] }, /two may grant/);
});

Deno.test("the simulation notices a leader whose clock runs so slowly that it is certain for too long", async () => {
  await assertNoticed({ rates: [1, 0.4, 1] }, /two may grant/);
});
