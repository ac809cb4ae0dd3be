// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import {
  FurthestStanding,
  isSameStanding,
  positionOf,
} from "../../../src/drivers/cluster/standing_order.ts";
import type { Standing } from "../../../src/drivers/cluster/store.ts";

const INCARNATION = 1n << 64n;

function led(epoch: bigint, claimId = `claim-${epoch}`): Standing {
  const term = { epoch, claimId, endpoint: { host: "a", port: 1 } };
  return { incarnation: epoch >> 64n, term, beat: "1", resigned: false };
}

function unled(incarnation: bigint): Standing {
  return { incarnation, term: undefined, beat: "1", resigned: false };
}

Deno.test("positionOf() puts the next incarnation above every term of the one before", () => {
  assert.equal(positionOf(led(7n)), 7n);
  assert.equal(positionOf(unled(1n)), INCARNATION);
  assert(positionOf(unled(1n)) > positionOf(led(INCARNATION - 1n)));
  assert(positionOf(led(INCARNATION + 1n)) > positionOf(unled(1n)));
});

Deno.test("isSameStanding() tells terms, heartbeats and resignations apart", () => {
  const standing = led(7n);
  assert.equal(isSameStanding(standing, { ...standing }), true);
  assert.equal(isSameStanding(standing, led(8n)), false);
  assert.equal(isSameStanding(standing, { ...standing, beat: "2" }), false);
  assert.equal(isSameStanding(standing, { ...standing, resigned: true }), false);
});

Deno.test("FurthestStanding refuses what is behind what was known", () => {
  const furthest = new FurthestStanding();
  furthest.note(led(7n));
  furthest.refuseBehind(led(7n), furthest.position);
  furthest.refuseBehind(led(8n), furthest.position);
  for (const standing of [led(6n), unled(0n)]) {
    assert.throws(() => furthest.refuseBehind(standing, furthest.position), {
      code: "permanent",
      message: /went back: epoch \d+ is there and epoch 7 was there before.*operations\.md/,
    });
  }
});

Deno.test("FurthestStanding is not moved back by news that are late", () => {
  const furthest = new FurthestStanding();
  furthest.note(led(7n));
  furthest.note(led(6n));
  assert.equal(furthest.position, 7n);
});

Deno.test("FurthestStanding refuses an epoch that has a second holder, as a rolled back store may give", () => {
  const furthest = new FurthestStanding();
  furthest.note(led(7n));
  furthest.note(led(7n));
  assert.throws(() => furthest.note(led(7n, "other")), {
    code: "permanent",
    message: /epoch 7 was held by another node before/,
  });
});

Deno.test("FurthestStanding remembers that there was a term, also in an incarnation without one", () => {
  const furthest = new FurthestStanding();
  furthest.note(unled(0n));
  assert.equal(furthest.isWithoutTerm, true);
  furthest.note(led(7n));
  furthest.note(unled(1n));
  assert.equal(furthest.isWithoutTerm, false);
  assert.equal(furthest.position, INCARNATION);
});
