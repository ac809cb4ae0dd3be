// SPDX-License-Identifier: Apache-2.0

import fc from "fast-check";
import { scaled } from "../../_support/levels.ts";
import { FreshnessModel } from "../_support/freshness_model.ts";
import type { FreshnessStep } from "../_support/freshness_model.ts";

const PICK = fc.nat({ max: 7 });
const COUNT = fc.oneof(
  { arbitrary: fc.constant(1), weight: 6 },
  { arbitrary: fc.integer({ min: 1, max: 262_144 }), weight: 2 },
  { arbitrary: fc.constantFrom(131_072, 262_143, 262_144), weight: 1 },
);
const STEP: fc.Arbitrary<FreshnessStep> = fc.oneof(
  { arbitrary: fc.record({ kind: fc.constant("ask" as const), count: COUNT }), weight: 6 },
  {
    arbitrary: fc.record({ kind: fc.constant("ask-with-signal" as const), count: COUNT }),
    weight: 3,
  },
  { arbitrary: fc.record({ kind: fc.constant("turn" as const) }), weight: 5 },
  { arbitrary: fc.record({ kind: fc.constant("answer" as const), pick: PICK }), weight: 5 },
  { arbitrary: fc.record({ kind: fc.constant("fail" as const), pick: PICK }), weight: 1 },
  { arbitrary: fc.record({ kind: fc.constant("abort" as const), pick: PICK }), weight: 2 },
  {
    arbitrary: fc.record({ kind: fc.constant("advance" as const), ms: fc.nat({ max: 400 }) }),
    weight: 1,
  },
);

for (const maxInFlight of [1, 2, 4]) {
  Deno.test(`Coalescer with ${maxInFlight} under way never hands out what was issued before its caller asked`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(STEP, { maxLength: 60 }),
        (steps) => new FreshnessModel(maxInFlight).run(steps),
      ),
      { numRuns: scaled(150, 5_000) },
    );
  });
}
