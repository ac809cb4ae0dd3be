// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import fc from "fast-check";
import { scaled } from "../../_support/levels.ts";
import { ANY_BLOWS, ANY_CLUSTER, live } from "./_support/blows.ts";

Deno.test("whatever befalls a cluster, no two nodes may grant at any moment, and nothing is lost or given twice", async () => {
  const seen = { leaders: 0, answered: 0, unknown: 0, moments: 0 };
  const runs = scaled(30, 2_000);
  await fc.assert(
    fc.asyncProperty(ANY_CLUSTER, ANY_BLOWS, async (options, blows) => {
      const { seen: life, ledger } = await live(options, blows);
      seen.leaders += life.get("leader") ?? 0;
      seen.moments += life.get("moments with a leader") ?? 0;
      seen.answered += ledger.answered;
      seen.unknown += ledger.unknown;
    }),
    { numRuns: runs },
  );
  assert(seen.leaders > runs && seen.moments > 100 * runs, JSON.stringify(seen));
  assert(seen.answered > 10 * runs && seen.unknown > 0, JSON.stringify(seen));
});
