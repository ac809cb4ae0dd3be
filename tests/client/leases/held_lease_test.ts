// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { HeldLease } from "../../../src/client/leases/held_lease.ts";
import { TsoClientError } from "../../../src/client/errors.ts";
import { fault, LeaseRig } from "../_support/stub_leases.ts";
import type { LeaseScript } from "../_support/stub_leases.ts";

const TTL_MS = 15_000;
const TRUSTED_MS = 13_500;

async function held(rig: LeaseRig, script: LeaseScript[] = []): Promise<HeldLease> {
  rig.leases.script = script;
  return await rig.run(rig.holder.hold("group-a", { ttlMs: TTL_MS }));
}

/** Moves the clock in small steps until the signal fires. @returns when it fired, on the monotonic clock */
async function firedAtMs(rig: LeaseRig, { signal }: HeldLease): Promise<number> {
  for (let step = 0; !signal.aborted && step < 100_000; step++) await rig.clock.advance(10);
  assert.ok(signal.aborted, "the signal never fired");
  return rig.clock.monotonicMs();
}

Deno.test("holdLease() acquires with a fresh timestamp as its epoch, so that the latest claim wins", async () => {
  const rig = new LeaseRig();
  const first = await held(rig);
  const second = await held(rig);
  const epochs = rig.leases.attempts.map(({ request }) => request?.holderEpoch);
  assert.deepEqual(epochs, [1_000n, 1_001n]);
  assert.deepEqual(rig.leases.attempts[0]?.request?.holder, new TextEncoder().encode("group-a"));
  await Promise.all([first.release(), second.release()]);
});

Deno.test("HeldLease renews at a third of its ttl, and its bound moves on", async () => {
  const rig = new LeaseRig();
  const lease = await held(rig);
  const { boundMs, leaseId } = lease;
  assert.equal(boundMs, rig.leases.serverMs + TTL_MS);
  await rig.clock.advance(60_000);
  const expected = Array.from({ length: 12 }, (_, index) => 5_000 * (index + 1));
  assert.deepEqual(rig.leases.times("renew"), expected);
  assert.equal(lease.signal.aborted, false);
  assert.equal(lease.boundMs, boundMs + 60_000);
  assert.equal(lease.expiresAtMs, lease.boundMs);
  assert.equal(lease.leaseId, leaseId);
  assert.equal(lease.epoch, 5n);
  await lease.release();
});

Deno.test("HeldLease tells of each renewal after its bound has moved", async () => {
  const rig = new LeaseRig();
  const told: number[] = [];
  const onRenewed = ({ boundMs }: HeldLease) => told.push(boundMs - rig.leases.serverMs);
  const lease = await rig.run(rig.holder.hold("a", { ttlMs: TTL_MS, onRenewed }));
  await rig.clock.advance(10_000);
  assert.deepEqual(told, [TTL_MS, TTL_MS]);
  await lease.release();
});

Deno.test("HeldLease fires its signal a tenth of the ttl before the expiry when no renewal succeeds", async () => {
  const rig = new LeaseRig();
  const lease = await held(rig);
  rig.leases.script = Array(100).fill(fault("unreachable"));
  const { expiresAtMs } = lease;
  assert.equal(await firedAtMs(rig, lease), TRUSTED_MS);
  assert.equal(expiresAtMs - rig.leases.serverMs, TTL_MS - TRUSTED_MS);
  const { reason } = lease.signal;
  assert.ok(reason instanceof TsoClientError);
  assert.equal(reason.code, "deadline-exceeded");
  assert.match(reason.message, /no renewal has succeeded in 13500 of its 15000 ms/);
  assert.equal((reason.cause as TsoClientError).code, "unreachable");
  assert.equal(lease.mayStamp(0), false);
});

Deno.test("HeldLease counts from before the request was sent, however late the answer is", async () => {
  const rig = new LeaseRig();
  const lease = await held(rig, [1_000]);
  assert.equal(rig.clock.monotonicMs(), 1_000);
  // The renewal of 5,000 is answered at 9,000 and hangs for ever from then on.
  rig.leases.script = [4_000, "hang"];
  assert.equal(await firedAtMs(rig, lease), 5_000 + TRUSTED_MS);
});

Deno.test("HeldLease fires on time while a renewal hangs", async () => {
  const rig = new LeaseRig();
  const lease = await held(rig);
  rig.leases.script = ["hang"];
  assert.equal(await firedAtMs(rig, lease), TRUSTED_MS);
  assert.equal(rig.leases.attempts.at(-1)?.call.signal.aborted, true, "the renewal goes on");
});

Deno.test("HeldLease repeats a renewal through a change of leader, with growing pauses", async () => {
  const rig = new LeaseRig();
  const lease = await held(rig);
  rig.leases.script = [
    fault("no-leader", "FAILED_PRECONDITION"),
    fault("unreachable", "UNAVAILABLE"),
    fault("deadline-exceeded"),
    fault("bad-response"),
    fault("refused", "INTERNAL"),
    fault("unreachable"),
    fault("unreachable"),
  ];
  await rig.clock.advance(5_000 + 50 + 100 + 200 + 400 + 800 + 1_000 + 1_000);
  const pauses = [0, 50, 150, 350, 750, 1_550, 2_550, 3_550].map((pauseMs) => 5_000 + pauseMs);
  assert.deepEqual(rig.leases.times("renew"), pauses);
  assert.equal(lease.signal.aborted, false);
  await rig.clock.advance(5_000);
  assert.equal(
    rig.leases.times("renew").at(-1),
    8_550 + 5_000,
    "the next third is counted from there",
  );
  await lease.release();
});

for (
  const [what, refusal] of [
    ["expired or superseded", fault("refused", "FAILED_PRECONDITION")],
    ["unknown", fault("refused", "NOT_FOUND")],
    ["not supported", fault("refused", "UNIMPLEMENTED")],
    ["not ours", fault("refused", "PERMISSION_DENIED")],
  ] as const
) {
  Deno.test(`HeldLease fires at once when a renewal is refused: ${what}`, async () => {
    const rig = new LeaseRig();
    const lease = await held(rig);
    rig.leases.script = [refusal];
    assert.equal(await firedAtMs(rig, lease), 5_000);
    assert.equal(lease.signal.reason, refusal);
    await lease.release();
    assert.deepEqual(rig.leases.times("release"), [], "there is nothing to release");
    assert.equal(rig.clock.sleeping, 0);
  });
}

Deno.test("HeldLease.mayStamp() allows what is at or below the bound, while the lease is trusted", async () => {
  const rig = new LeaseRig();
  const lease = await held(rig);
  assert.equal(lease.mayStamp(lease.boundMs), true);
  assert.equal(lease.mayStamp(lease.boundMs + 1), false);
  assert.equal(lease.mayStamp(NaN), false);
  await lease.release();
  assert.equal(lease.mayStamp(0), false);
});

Deno.test("HeldLease.mayStamp() is right before the signal is, in a process that was stopped", async () => {
  const rig = new LeaseRig();
  const lease = await held(rig);
  rig.clock.pause(TRUSTED_MS);
  assert.equal(lease.signal.aborted, false, "no timer has fired yet");
  assert.equal(lease.mayStamp(0), false);
  rig.clock.jumpTo(0);
  assert.equal(lease.mayStamp(0), false, "whatever the wall clock says");
  await lease.release();
});

Deno.test("HeldLease.mayStamp() believes the wall clock if it says that more time has passed", async () => {
  const rig = new LeaseRig();
  const lease = await held(rig);
  rig.clock.jumpTo(rig.clock.nowMs() + TRUSTED_MS - 1);
  assert.equal(lease.mayStamp(0), true);
  rig.clock.jumpTo(rig.clock.nowMs() + 1);
  assert.equal(lease.mayStamp(0), false);
  rig.clock.jumpTo(rig.clock.nowMs() - 1_000_000);
  assert.equal(lease.mayStamp(0), true);
  await lease.release();
});

Deno.test("HeldLease fires soon after the wall clock says that its time is over", async () => {
  const rig = new LeaseRig();
  const lease = await held(rig, [0, ...Array(100).fill(fault("unreachable"))]);
  await rig.clock.advance(1_000);
  rig.clock.jumpTo(rig.clock.nowMs() + 3_600_000);
  await rig.clock.advance(500);
  assert.equal(lease.signal.aborted, true);
  assert.equal((lease.signal.reason as TsoClientError).code, "deadline-exceeded");
  await lease.release();
});

Deno.test("HeldLease renews soon after the wall clock says that it is time to", async () => {
  const rig = new LeaseRig();
  const lease = await held(rig);
  await rig.clock.advance(1_000);
  rig.clock.jumpTo(rig.clock.nowMs() + TTL_MS / 3);
  await rig.clock.advance(500);
  assert.equal(rig.leases.times("renew").length, 1);
  assert.equal(lease.signal.aborted, false);
  await lease.release();
});

Deno.test("HeldLease with an epoch of its own is not trusted longer than the server keeps it", async () => {
  const rig = new LeaseRig();
  rig.leases.aheadMs = 0;
  const claim = { holder: new TextEncoder().encode("group-a"), holderEpoch: 7n, ttlMs: 5_000 };
  const call = { signal: new AbortController().signal, timeoutMs: 1_000 };
  await rig.run(rig.leases.acquireLease(claim, call));
  const options = { ttlMs: 10_000, holderEpoch: 7n };
  const lease = await rig.run(rig.holder.hold("group-a", options));
  rig.leases.script = Array(1_000).fill(fault("unreachable"));
  const heldAtMs = rig.clock.monotonicMs();
  assert.ok(await firedAtMs(rig, lease) - heldAtMs <= 5_000);
  await lease.release();
});

Deno.test("holdLease() refuses a lease that the server ends before it could be trusted", async () => {
  const rig = new LeaseRig();
  rig.leases.aheadMs = 0;
  const claim = { holder: new TextEncoder().encode("group-a"), holderEpoch: 7n, ttlMs: 5_000 };
  const call = { signal: new AbortController().signal, timeoutMs: 1_000 };
  await rig.run(rig.leases.acquireLease(claim, call));
  const held = rig.run(rig.holder.hold("group-a", { ttlMs: 60_000, holderEpoch: 7n }));
  await assert.rejects(held, { code: "invalid-argument", message: /5000 ms.*acquired before/ });
});

for (const aheadMs of [3_600_000, -3_600_000]) {
  Deno.test(`HeldLease with an epoch of its own is trusted as ever if the server's clock is ${aheadMs} ms ahead`, async () => {
    const rig = new LeaseRig();
    rig.leases.aheadMs = aheadMs;
    const options = { ttlMs: TTL_MS, holderEpoch: 7n };
    const lease = await rig.run(rig.holder.hold("group-a", options));
    rig.leases.script = Array(1_000).fill(fault("unreachable"));
    assert.equal(await firedAtMs(rig, lease), TRUSTED_MS);
    await lease.release();
  });
}

Deno.test("HeldLease is not fooled by a wall clock that runs backwards", async () => {
  const rig = new LeaseRig();
  const lease = await held(rig);
  rig.leases.script = Array(100).fill(fault("unreachable"));
  rig.clock.jumpTo(0);
  assert.equal(await firedAtMs(rig, lease), TRUSTED_MS);
});

Deno.test("HeldLease.release() fires the signal first, then releases once, and leaves nothing behind", async () => {
  const rig = new LeaseRig();
  const lease = await held(rig);
  const released = lease.release();
  assert.equal(lease.signal.aborted, true);
  assert.equal((lease.signal.reason as TsoClientError).code, "closed");
  await Promise.all([released, lease.release(), lease[Symbol.asyncDispose]()]);
  assert.equal(rig.leases.times("release").length, 1);
  assert.equal(rig.clock.sleeping, 0);
});

Deno.test("HeldLease.release() never rejects and is bounded when the server is gone", async () => {
  for (const script of [fault("unreachable"), fault("refused", "NOT_FOUND"), "hang"] as const) {
    const rig = new LeaseRig();
    const lease = await held(rig);
    rig.leases.script = [script];
    const beforeMs = rig.clock.monotonicMs();
    await rig.run(lease.release());
    assert.ok(rig.clock.monotonicMs() - beforeMs <= 2_010);
  }
});

for (
  const [code, releases] of [["no-leader", 2], ["unreachable", 1], [
    "deadline-exceeded",
    1,
  ]] as const
) {
  Deno.test(`HeldLease.release() is tried ${releases} times when the first answer is ${code}`, async () => {
    const rig = new LeaseRig();
    const lease = await held(rig);
    rig.leases.script = [fault(code)];
    await rig.run(lease.release());
    assert.equal(rig.leases.times("release").length, releases);
  });
}

Deno.test("HeldLease.release() while a renewal is under way ends the renewal", async () => {
  const rig = new LeaseRig();
  const lease = await held(rig);
  rig.leases.script = ["hang"];
  await rig.clock.advance(6_000);
  await rig.run(lease.release());
  assert.equal(rig.leases.attempts.find(({ kind }) => kind === "renew")?.call.signal.aborted, true);
  assert.equal(rig.clock.sleeping, 0);
});

Deno.test("HeldLease tries to release a lease that it lost for want of an answer", async () => {
  const rig = new LeaseRig();
  const lease = await held(rig);
  rig.leases.script = ["hang"];
  await firedAtMs(rig, lease);
  await lease.release();
  assert.equal(rig.leases.times("release").length, 1);
});
