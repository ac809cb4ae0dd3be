// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { TsoClientError } from "../../../src/client/errors.ts";
import type { HeldLease } from "../../../src/client/leases/held_lease.ts";
import { settle } from "../../../src/testing/manual_clock.ts";
import { fault, LeaseRig } from "../_support/stub_leases.ts";

const TTL_MS = 15_000;

Deno.test("holdLease() repeats the acquisition through a change of leader", async () => {
  const rig = new LeaseRig();
  rig.leases.script = [fault("no-leader"), fault("unreachable"), fault("refused", "INTERNAL")];
  const lease = await rig.run(rig.holder.hold("a", { ttlMs: TTL_MS }));
  assert.deepEqual(rig.leases.times("acquire"), [0, 50, 150, 350]);
  await lease.release();
});

Deno.test("holdLease() trusts a lease from the first request, whose answer may have been lost", async () => {
  const rig = new LeaseRig();
  rig.leases.script = Array(4).fill(fault("deadline-exceeded"));
  const lease = await rig.run(rig.holder.hold("a", { ttlMs: TTL_MS }));
  assert.ok(rig.clock.monotonicMs() >= 750);
  rig.leases.script = ["hang"];
  await rig.clock.advance(13_500 - rig.clock.monotonicMs() - 1);
  assert.equal(lease.signal.aborted, false);
  await rig.clock.advance(1);
  assert.equal(lease.signal.aborted, true);
  await lease.release();
});

Deno.test("holdLease() renews a lease that took long to get before it hands it out", async () => {
  const rig = new LeaseRig();
  rig.leases.script = [6_000];
  const lease = await rig.run(rig.holder.hold("a", { ttlMs: TTL_MS }));
  assert.deepEqual(rig.leases.attempts.map(({ kind }) => kind), ["acquire", "renew"]);
  await rig.clock.advance(4_990);
  assert.equal(rig.leases.times("renew").length, 1, "the next one is due a third after that");
  await lease.release();
});

Deno.test("holdLease() with an epoch of its own renews first: the lease may be an old one", async () => {
  const rig = new LeaseRig();
  const first = await rig.run(rig.holder.hold("a", { ttlMs: TTL_MS, holderEpoch: 7n }));
  rig.leases.script = Array(1_000).fill(fault("unreachable"));
  await rig.clock.advance(13_500);
  assert.equal(first.signal.aborted, true);
  rig.leases.script = [];
  const second = await rig.run(rig.holder.hold("a", { ttlMs: TTL_MS, holderEpoch: 7n }));
  assert.equal(second.leaseId, first.leaseId, "the server kept it");
  assert.ok(second.expiresAtMs >= rig.leases.serverMs + TTL_MS - 20, "and its time begins anew");
  await Promise.all([first.release(), second.release()]);
});

Deno.test("holdLease() acquires anew when the lease expired before it was renewed", async () => {
  const rig = new LeaseRig();
  rig.leases.script = [6_000, fault("refused", "FAILED_PRECONDITION")];
  const lease = await rig.run(rig.holder.hold("a", { ttlMs: TTL_MS, timeoutMs: 30_000 }));
  const kinds = rig.leases.attempts.map(({ kind }) => kind);
  assert.deepEqual(kinds, ["acquire", "renew", "acquire", "renew"], "the new one is renewed too");
  await lease.release();
});

Deno.test("holdLease() fails at once when it is refused for good", async () => {
  const refusals = [
    fault("refused", "FAILED_PRECONDITION"),
    fault("refused", "RESOURCE_EXHAUSTED"),
    fault("invalid-argument", "INVALID_ARGUMENT"),
  ];
  for (const refusal of refusals) {
    const rig = new LeaseRig();
    rig.leases.script = [refusal];
    await assert.rejects(rig.run(rig.holder.hold("a", { ttlMs: TTL_MS })), refusal);
    assert.equal(rig.leases.attempts.length, 1);
    assert.equal(rig.clock.sleeping, 0);
  }
});

Deno.test("holdLease() ends with its timeout and says what the last attempt met", async () => {
  const rig = new LeaseRig();
  const refusal = fault("unreachable");
  rig.leases.script = Array(1_000).fill(refusal);
  const failed = rig.run(rig.holder.hold("a", { ttlMs: TTL_MS, timeoutMs: 3_000 }));
  await assert.rejects(failed, {
    code: "deadline-exceeded",
    message: /3000 ms, is over; the last attempt: scripted: unreachable/,
    cause: refusal,
  });
  assert.equal(rig.clock.monotonicMs(), 3_000);
  assert.equal(rig.clock.sleeping, 0);
});

Deno.test("holdLease() ends with its signal, which does not touch the lease afterwards", async () => {
  const rig = new LeaseRig();
  const control = new AbortController();
  rig.leases.script = ["hang"];
  const failed = rig.holder.hold("a", { ttlMs: TTL_MS, signal: control.signal });
  await rig.clock.advance(100);
  control.abort(new Error("gone"));
  await assert.rejects(failed, { message: "gone" });
  await rig.clock.advance(1_000);
  assert.equal(rig.leases.attempts[0]?.call.signal.aborted, true);
  assert.equal(rig.clock.sleeping, 0);

  const later = new AbortController();
  const lease = await rig.run(rig.holder.hold("a", { ttlMs: TTL_MS, signal: later.signal }));
  later.abort();
  assert.equal(lease.signal.aborted, false);
  await lease.release();
});

Deno.test("holdLease() releases a lease that is granted after its signal has fired", async () => {
  const rig = new LeaseRig();
  const control = new AbortController();
  rig.leases.script = [500];
  const failed = rig.holder.hold("a", { ttlMs: TTL_MS, signal: control.signal });
  await rig.clock.advance(0);
  await rig.clock.advance(100);
  control.abort(new Error("gone"));
  await assert.rejects(failed, { message: "gone" });
  assert.deepEqual(rig.leases.times("release"), []);
  await rig.clock.advance(400);
  assert.deepEqual(rig.leases.times("release"), [500]);
  assert.equal(rig.clock.sleeping, 0);
});

Deno.test("LeaseHolder.close() waits for a late grant, and releases it", async () => {
  const rig = new LeaseRig();
  rig.leases.script = [500];
  const acquiring = rig.holder.hold("a", { ttlMs: TTL_MS });
  await rig.clock.advance(0);
  await rig.clock.advance(100);
  const error = new TsoClientError("closed", "closed by the test");
  const closed = rig.holder.close(error);
  await assert.rejects(acquiring, error);
  await rig.run(closed);
  assert.deepEqual(rig.leases.times("release"), [500]);
  assert.equal(rig.clock.sleeping, 0);
});

Deno.test("holdLease() with an epoch of the user leaves a lease alone that may be another call's", async () => {
  const rig = new LeaseRig();
  const control = new AbortController();
  rig.leases.script = [500];
  const { signal } = control;
  const failed = rig.holder.hold("a", { ttlMs: TTL_MS, holderEpoch: 7n, signal });
  await rig.clock.advance(100);
  control.abort(new Error("gone"));
  await assert.rejects(failed, { message: "gone" });
  await rig.clock.advance(3_000);
  assert.deepEqual(rig.leases.times("release"), []);
});

Deno.test("holdLease() pauses when what it acquires is gone each time it renews", async () => {
  const rig = new LeaseRig();
  const gone = fault("refused", "NOT_FOUND");
  rig.leases.script = Array.from({ length: 1_000 }, (_, turn) => turn % 2 === 0 ? 0 : gone);
  const options = { ttlMs: TTL_MS, holderEpoch: 7n, timeoutMs: 2_000 };
  await assert.rejects(rig.run(rig.holder.hold("a", options)), { code: "deadline-exceeded" });
  const attempts = rig.leases.times("acquire").length;
  assert.ok(attempts > 2 && attempts < 10, `${attempts} attempts`);
});

Deno.test("LeaseHolder.close() releases what is held and ends what is being acquired", async () => {
  const rig = new LeaseRig();
  const lease = await rig.run(rig.holder.hold("a", { ttlMs: TTL_MS }));
  rig.leases.script = ["hang"];
  const acquiring = rig.holder.hold("b", { ttlMs: TTL_MS });
  await rig.clock.advance(1);
  const error = new TsoClientError("closed", "closed by the test");
  const closed = rig.holder.close(error);
  await assert.rejects(acquiring, error);
  await rig.run(closed, 2_000);
  assert.equal(lease.signal.aborted, true);
  assert.equal(rig.leases.times("release").length, 1);
  await assert.rejects(rig.holder.hold("c", { ttlMs: TTL_MS }), error);
  assert.equal(rig.clock.sleeping, 0);
});

Deno.test("LeaseHolder.close() at any moment of an acquisition leaves no lease that is renewed", async () => {
  for (let turns = 0; turns < 40; turns++) {
    const rig = new LeaseRig();
    const outcome = rig.holder.hold("a", { ttlMs: TTL_MS }).catch((error: unknown) => error);
    await settle(turns);
    await rig.run(rig.holder.close(new TsoClientError("closed", "closed by the test")));
    const lease = await outcome;
    assert.ok(lease instanceof TsoClientError || (lease as HeldLease).signal.aborted, `${turns}`);
    assert.equal(rig.clock.sleeping, 0, `after ${turns} turns`);
  }
});

Deno.test("holdLease() refuses bad arguments before it asks", async () => {
  const rig = new LeaseRig();
  const bad = [
    ["", { ttlMs: TTL_MS }],
    ["x".repeat(129), { ttlMs: TTL_MS }],
    ["a", { ttlMs: 0 }],
    ["a", { ttlMs: 1.5 }],
    ["a", { ttlMs: TTL_MS, holderEpoch: -1n }],
    ["a", { ttlMs: TTL_MS, holderEpoch: 1n << 64n }],
    ["a", { ttlMs: TTL_MS, safetyMarginMs: 0 }],
    ["a", { ttlMs: TTL_MS, safetyMarginMs: TTL_MS }],
    ["a", { ttlMs: TTL_MS, timeoutMs: 0 }],
  ] as const;
  for (const [holder, options] of bad) {
    await assert.rejects(rig.holder.hold(holder, options), { code: "invalid-argument" });
  }
  assert.deepEqual(rig.leases.attempts, []);
});

Deno.test("holdLease() calls back after each renewal, with the bound moved", async () => {
  const rig = new LeaseRig();
  const bounds: number[] = [];
  const onRenewed = (renewed: HeldLease) => bounds.push(renewed.boundMs);
  const lease = await rig.run(rig.holder.hold("a", { ttlMs: TTL_MS, onRenewed }));
  const acquired = lease.boundMs;
  await rig.clock.advance(5_000);
  assert.deepEqual(bounds, [lease.boundMs]);
  assert.ok(lease.boundMs > acquired);
  await lease.release();
});

Deno.test("HeldLease.toJSON() shows the lease as it is now", async () => {
  const rig = new LeaseRig();
  const lease = await rig.run(rig.holder.hold("a", { ttlMs: TTL_MS }));
  await rig.clock.advance(5_000);
  const { leaseId, boundMs, expiresAtMs, epoch } = lease;
  assert.deepEqual(JSON.parse(JSON.stringify(lease)), {
    leaseId,
    boundMs,
    expiresAtMs,
    epoch: String(epoch),
  });
  await lease.release();
});
