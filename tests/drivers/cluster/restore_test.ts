// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { RESTORE_LOOK_MS, restoreStore } from "../../../src/drivers/cluster/restore.ts";
import type { Restored } from "../../../src/drivers/cluster/restore.ts";
import { DriverRig, LEASE_MS } from "./_support/driver_rig.ts";
import { SimulatedStore } from "./_support/simulated_store.ts";

function restore({ engine, clock }: DriverRig): Promise<Restored> {
  return restoreStore(new SimulatedStore({ engine, clock }), { atLeastMs: 9_000, clock });
}

Deno.test("a restore with a node running is refused, and nothing is written", async () => {
  await using one = await new DriverRig().join();
  const { incarnation } = one.engine.standing;
  const restored = assert.rejects(restore(one), {
    code: "permanent",
    message: /a node is running.*stop every node that uses it, and restore again/,
  });
  await one.pass(RESTORE_LOOK_MS);
  await restored;
  assert.deepEqual([one.engine.standing.incarnation, one.engine.highWaterMs], [incarnation, 0]);
  assert(one.certainMs > 0);
});

Deno.test("a restore with every node stopped is done once it has looked for heartbeats", async () => {
  const one = await new DriverRig().join();
  await one.close();
  const restored = restore(one);
  await one.pass(RESTORE_LOOK_MS - 1);
  assert.equal(one.engine.highWaterMs, 0);
  await one.pass(1);
  assert.deepEqual(await restored, {
    incarnation: 9_000n,
    highWaterMs: 9_000,
    sequences: 0,
    leases: 0,
  });
});

Deno.test("a node that starts on a store that was restored waits for a silence, as a leader may be left", async () => {
  await using one = await new DriverRig().join();
  one.link.cut();
  one.engine.restore(9_000);
  await using two = await one.beside("b").join();
  await one.pass(LEASE_MS / 2);
  assert(one.certainMs > 0);
  assert.notEqual(two.state(), "leader");
  await one.pass(LEASE_MS);
  assert(one.certainMs <= 0);
  assert.equal(two.state(), "leader");
});
