// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import {
  checkDriverConformance,
  testDriverConformance,
} from "../../../src/testing/driver_conformance.ts";
import type { ClusterDriver } from "../../../src/drivers/cluster/driver.ts";
import type { ClusterStore } from "../../../src/drivers/cluster/store.ts";
import { insistsOnLeases, resignsNot } from "./_support/flaws.ts";
import { simulatedHarness } from "./_support/simulated_harness.ts";

testDriverConformance<ClusterDriver>("ClusterDriver", {
  test: (name, fn) => Deno.test(name, fn),
  ...simulatedHarness(),
});

type Flaw = (store: ClusterStore) => ClusterStore;

/** What the suite must notice of a right driver between which and its engine something is wrong. */
const REJECTED: Readonly<Record<string, readonly [Flaw, RegExp]>> = {
  "resign-lets-lead-at-once": [resignsNot, /a standby led as late as after a crash$/],
  "leases-late-replacement": [insistsOnLeases, /strictly deep-equal/],
};

for (const [id, [wrap, message]] of Object.entries(REJECTED)) {
  Deno.test(`the conformance check ${id} rejects a ClusterDriver whose store ${wrap.name}`, async () => {
    const [result] = await checkDriverConformance(simulatedHarness(wrap), { only: [id] });
    assert.deepEqual([result?.id, result?.outcome], [id, "failed"]);
    assert.match(String(result?.error), message);
  });
}
