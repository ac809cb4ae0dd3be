// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { instantSourceOf } from "../../../src/net/fast_lane/instant_source.ts";
import { Oracle } from "../../../src/server/oracle.ts";
import { settle } from "../../../src/testing/manual_clock.ts";
import { OracleRig } from "../../_support/oracle_rig.ts";

class Audited extends Oracle {
  override getTs(...args: Parameters<Oracle["getTs"]>): ReturnType<Oracle["getTs"]> {
    return super.getTs(...args);
  }
}

Deno.test("instantSourceOf() grants as the oracle does, and counts it once", async () => {
  await using rig = new OracleRig();
  const source = instantSourceOf(rig.oracle);
  assert.equal(source?.getTsNow(1), undefined);
  assert.equal(rig.metrics.total("tsoracle.get_ts.requests.total"), 0);
  await rig.lead(1n);
  const first = source?.getTsNow(3);
  assert.equal(first?.count, 3);
  assert.equal(rig.grantNow().logicalStart, (first?.logicalStart ?? 0) + 3);
  await settle();
  assert.equal(rig.metrics.total("tsoracle.get_ts.requests.total"), 2);
  assert.equal(rig.metrics.total("tsoracle.get_ts.success.total"), 2);
  assert.equal(rig.metrics.total("tsoracle.get_ts.timestamps_issued"), 4);
  rig.outrunWindow();
  assert.equal(source?.getTsNow(1), undefined);
  assert.equal(source?.getTsNow(262_145), undefined);
  await settle();
  assert.equal(rig.metrics.total("tsoracle.get_ts.requests.total"), 2);
});

Deno.test("instantSourceOf() tells the metrics once of all grants of a turn, and again of the next", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  const source = instantSourceOf(rig.oracle);
  for (const total of [6, 12]) {
    for (const count of [1, 2, 3]) assert.equal(source?.getTsNow(count)?.count, count);
    assert.equal(rig.metrics.total("tsoracle.get_ts.timestamps_issued"), total - 6);
    await settle();
    assert.equal(rig.metrics.total("tsoracle.get_ts.requests.total"), total / 2);
    assert.equal(rig.metrics.total("tsoracle.get_ts.success.total"), total / 2);
    assert.equal(rig.metrics.total("tsoracle.get_ts.timestamps_issued"), total);
  }
});

Deno.test("instantSourceOf() grants nothing past the end of what is certain", async () => {
  await using rig = new OracleRig();
  let untilMs = Infinity;
  await rig.lead(1n, () => untilMs);
  const source = instantSourceOf(rig.oracle);
  assert.equal(source?.getTsNow(1)?.count, 1);
  untilMs = rig.clock.monotonicMs();
  assert.equal(source?.getTsNow(1), undefined);
});

Deno.test("instantSourceOf() has nothing for an oracle whose getTs was replaced", async () => {
  await using rig = new OracleRig();
  const replaced = Object.create(rig.oracle, { getTs: { value: () => {} } });
  assert.equal(instantSourceOf(replaced), undefined);
  assert.equal(instantSourceOf(Object.create(Audited.prototype)), undefined);
});
