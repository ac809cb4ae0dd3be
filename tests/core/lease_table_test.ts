// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { LeaseTable } from "../../src/core/lease_table.ts";
import type { LeaseRecord } from "../../src/core/lease_table.ts";

const NOW_MS = 1_000;

function lease(overrides: Partial<LeaseRecord> = {}): LeaseRecord {
  return {
    leaseId: 1,
    holder: holder("a"),
    holderEpoch: 5n,
    ttlMs: 100,
    boundMs: 1_100,
    expiresAtMs: 1_100,
    superseded: false,
    ...overrides,
  };
}

function holder(name: string): Uint8Array {
  return new TextEncoder().encode(name);
}

function tableOf(...leases: LeaseRecord[]): LeaseTable {
  const table = new LeaseTable();
  table.replace(leases);
  return table;
}

function idsOf(leases: readonly LeaseRecord[]): number[] {
  return leases.map(({ leaseId }) => leaseId);
}

Deno.test("LeaseTable begins empty: every claim is free, every id unknown, nothing binds", () => {
  const table = new LeaseTable();
  assert.deepEqual(table.claim({ holder: holder("a"), holderEpoch: 0n }, NOW_MS), { kind: "free" });
  assert.deepEqual(table.find(1, NOW_MS), { kind: "unknown" });
  assert.equal(table.minBoundMs(NOW_MS), Infinity);
  assert.deepEqual(table.unexpired(NOW_MS), []);
});

const CLAIMS: readonly (readonly [string, Partial<LeaseRecord>, bigint, number, string])[] = [
  ["the same epoch finds its lease live", {}, 5n, NOW_MS, "live"],
  ["a lower epoch is stale", {}, 4n, NOW_MS, "stale"],
  ["a higher epoch is free to supersede", {}, 6n, NOW_MS, "free"],
  ["the same epoch a millisecond before the expiry is live", {}, 5n, 1_099, "live"],
  ["the same epoch at the expiry is free", {}, 5n, 1_100, "free"],
  ["a lower epoch at the expiry is free", {}, 4n, 1_100, "free"],
  ["the same epoch of a superseded lease is free", { superseded: true }, 5n, NOW_MS, "free"],
  ["another holder is free", { holder: holder("b") }, 5n, NOW_MS, "free"],
  ["a holder that begins the same is another", { holder: holder("ab") }, 5n, NOW_MS, "free"],
  ["a holder that is a beginning is another", { holder: holder("") }, 5n, NOW_MS, "free"],
];
for (const [name, overrides, holderEpoch, nowMs, kind] of CLAIMS) {
  Deno.test(`LeaseTable.claim(): ${name}`, () => {
    const table = tableOf(lease(overrides));
    assert.equal(table.claim({ holder: holder("a"), holderEpoch }, nowMs).kind, kind);
  });
}

Deno.test("LeaseTable.claim() tells the lease that is live, and the epoch that a claim is behind", () => {
  const active = lease({ leaseId: 2, holderEpoch: 9n });
  const table = tableOf(lease({ superseded: true }), active);
  const claim = { holder: holder("a"), holderEpoch: 9n };
  assert.deepEqual(table.claim(claim, NOW_MS), { kind: "live", lease: active });
  const stale = { holder: holder("a"), holderEpoch: 5n };
  assert.deepEqual(table.claim(stale, NOW_MS), { kind: "stale", heldEpoch: 9n });
});

Deno.test("LeaseTable.find() tells live, expired and unknown; an expiry is reached exactly at its time", () => {
  const table = tableOf(lease(), lease({ leaseId: 2, expiresAtMs: 2_000 }));
  assert.equal(table.find(1, 1_099).kind, "live");
  assert.equal(table.find(1, 1_100).kind, "expired");
  assert.equal(table.find(2, 1_100).kind, "live");
  assert.equal(table.find(3, NOW_MS).kind, "unknown");
});

Deno.test("LeaseTable.find() names the highest epoch of the holder as the one that superseded a lease", () => {
  const table = tableOf(
    lease({ superseded: true }),
    lease({ leaseId: 2, holderEpoch: 7n, superseded: true }),
    lease({ leaseId: 3, holderEpoch: 8n }),
    lease({ leaseId: 4, holderEpoch: 99n, holder: holder("b") }),
  );
  assert.deepEqual(table.find(1, NOW_MS), { kind: "superseded", byEpoch: 8n });
  assert.deepEqual(table.find(2, NOW_MS), { kind: "superseded", byEpoch: 8n });
});

Deno.test("LeaseTable.find() names a superseded lease's own epoch if its successor was released", () => {
  const table = tableOf(lease({ superseded: true }));
  assert.deepEqual(table.find(1, NOW_MS), { kind: "superseded", byEpoch: 5n });
});

Deno.test("LeaseTable.find() calls a superseded lease expired once it is", () => {
  assert.equal(tableOf(lease({ superseded: true })).find(1, 1_100).kind, "expired");
});

Deno.test("LeaseTable.withGranted() supersedes all leases of the holder and no other, and drops expired ones", () => {
  const table = tableOf(
    lease({ superseded: true }),
    lease({ leaseId: 2, holderEpoch: 6n }),
    lease({ leaseId: 3, holder: holder("b") }),
    lease({ leaseId: 4, expiresAtMs: NOW_MS }),
  );
  const granted = lease({ leaseId: 9, holderEpoch: 7n });
  const next = table.withGranted(granted, NOW_MS);
  assert.deepEqual(idsOf(next), [1, 2, 3, 9]);
  assert.deepEqual(next.map(({ superseded }) => superseded), [true, true, false, false]);
});

Deno.test("LeaseTable.withRenewed() puts the renewed lease in its place and drops expired ones", () => {
  const table = tableOf(lease(), lease({ leaseId: 2 }), lease({ leaseId: 3, expiresAtMs: NOW_MS }));
  const renewed = lease({ expiresAtMs: 5_000, boundMs: 5_000 });
  assert.deepEqual(table.withRenewed(renewed, NOW_MS), [renewed, lease({ leaseId: 2 })]);
});

Deno.test("LeaseTable.without() leaves the released lease and expired ones out", () => {
  const table = tableOf(lease(), lease({ leaseId: 2 }), lease({ leaseId: 3, expiresAtMs: NOW_MS }));
  assert.deepEqual(idsOf(table.without(1, NOW_MS)), [2]);
});

Deno.test("LeaseTable projections change nothing", () => {
  const before = [lease(), lease({ leaseId: 2, expiresAtMs: NOW_MS })];
  const table = tableOf(...before);
  table.withGranted(lease({ leaseId: 9 }), NOW_MS);
  table.withRenewed(lease({ expiresAtMs: 9_000 }), NOW_MS);
  table.without(1, NOW_MS);
  assert.deepEqual(table.unexpired(0), before);
  assert.equal(before[0]?.superseded, false);
});

Deno.test("LeaseTable.minBoundMs() counts superseded leases until their own expiry, and no expired ones", () => {
  const table = tableOf(
    lease({ boundMs: 1_200, expiresAtMs: 1_050, superseded: true }),
    lease({ leaseId: 2, boundMs: 1_500, expiresAtMs: 1_060 }),
  );
  assert.equal(table.minBoundMs(1_049), 1_200);
  assert.equal(table.minBoundMs(1_050), 1_500);
  assert.equal(table.minBoundMs(1_060), Infinity);
});

Deno.test("LeaseTable.seed() drops what has expired: its id is unknown", () => {
  const table = new LeaseTable();
  table.seed([lease(), lease({ leaseId: 2, expiresAtMs: NOW_MS })], NOW_MS);
  assert.equal(table.find(1, NOW_MS).kind, "live");
  assert.equal(table.find(2, NOW_MS).kind, "unknown");
});

Deno.test("LeaseTable.isSettled is false from a replacement that is sent until the next one in place", () => {
  const table = new LeaseTable();
  assert.equal(table.isSettled, true);
  table.unsettle();
  assert.equal(table.isSettled, false);
  table.replace([]);
  assert.equal(table.isSettled, true);
  table.unsettle();
  table.seed([], NOW_MS);
  assert.equal(table.isSettled, true);
});

Deno.test("LeaseTable.clear() forgets leases and what was expected", () => {
  const table = tableOf(lease());
  table.expect(lease({ leaseId: 2, boundMs: 1_050 }));
  table.clear();
  assert.deepEqual(table.unexpired(0), []);
  assert.equal(table.minBoundMs(0), Infinity);
});

Deno.test("LeaseTable.expect() lets a lease bind before it is granted, until its expiry", () => {
  const table = tableOf(lease({ boundMs: 1_300, expiresAtMs: 9_000 }));
  table.expect(lease({ leaseId: 2, boundMs: 1_200 }));
  assert.equal(table.minBoundMs(1_099), 1_200);
  assert.equal(table.minBoundMs(1_100), 1_300);
  assert.equal(table.find(2, NOW_MS).kind, "unknown");
  assert.equal(table.claim({ holder: holder("a"), holderEpoch: 5n }, NOW_MS).kind, "live");
});

Deno.test("LeaseTable.replace() settles all that was expected; taking back ends one expectation", () => {
  const table = tableOf();
  const takeBack = table.expect(lease({ boundMs: 1_200 }));
  table.expect(lease({ leaseId: 2, boundMs: 1_250 }));
  assert.equal(table.minBoundMs(NOW_MS), 1_200);
  takeBack();
  assert.equal(table.minBoundMs(NOW_MS), 1_250, "the one in doubt stays");
  table.replace([]);
  assert.equal(table.minBoundMs(NOW_MS), Infinity);
});

Deno.test("LeaseTable.expect() of a lease in doubt keeps the smaller bound and the later expiry", () => {
  const table = tableOf();
  table.expect(lease({ boundMs: 1_200, expiresAtMs: 1_100 }));
  const takeBack = table.expect(lease({ boundMs: 1_300, expiresAtMs: 1_200 }));
  assert.equal(table.minBoundMs(1_150), 1_200);
  takeBack();
  assert.equal(table.minBoundMs(1_099), 1_200);
  assert.equal(table.minBoundMs(1_150), Infinity);
});

Deno.test("LeaseTable.size() counts leases in doubt, and none that has expired", () => {
  const table = tableOf(lease({ expiresAtMs: 1_100 }));
  table.expect(lease({ leaseId: 2, expiresAtMs: 1_200 }));
  assert.deepEqual([1_099, 1_100, 1_200].map((nowMs) => table.size(nowMs)), [2, 1, 0]);
});

Deno.test("LeaseTable.clock() does not go back under one leadership", () => {
  const table = tableOf();
  assert.deepEqual([5, 3, 7].map((nowMs) => table.clock(nowMs)), [5, 5, 7]);
  table.seed([], 0);
  assert.equal(table.clock(3), 3);
});
