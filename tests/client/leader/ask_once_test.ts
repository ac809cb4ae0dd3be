// SPDX-License-Identifier: Apache-2.0

import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import type { LeaderCaller } from "../../../src/client/leader/leader_caller.ts";
import type { CallContext } from "../../../src/client/grants.ts";
import { CallerRig } from "../_support/caller_rig.ts";
import {
  failing,
  inTurn,
  leaderOf,
  notLeader,
  refuseConnection,
  silent,
  status,
} from "../_support/scripted_servers.ts";

const A = "a:1";
const B = "b:1";
const EPOCH = { hi: 0n, lo: 4n };
const CLAIM = { holder: new Uint8Array([1]), holderEpoch: 1n, ttlMs: 9_000 };
const TERMS = { leaseId: 77n, tsUpperBound: 77n, expiresAtMs: 80n, epoch: EPOCH };

type Method = (caller: LeaderCaller, call: CallContext) => Promise<unknown>;

function acquire(caller: LeaderCaller, call: CallContext) {
  return caller.acquireLease(CLAIM, call);
}

const METHODS: readonly (readonly [string, Method])[] = [
  ["acquireLease", acquire],
  ["renewLease", (caller, call) => caller.renewLease(77, call)],
  ["releaseLease", (caller, call) => caller.releaseLease(77, call)],
  ["currentMaxSafe", (caller, call) => caller.currentMaxSafe(call)],
  ["safeFrontier", (caller, call) => caller.safeFrontier(call)],
];

function once<T>(rig: CallerRig, method: (caller: LeaderCaller, call: CallContext) => Promise<T>) {
  return rig.whileTimePasses(method(rig.caller, rig.call()));
}

for (const [name, method] of METHODS) {
  Deno.test(`LeaderCaller.${name}() takes note of a hint, throws, and asks the leader next time`, async () => {
    const rig = new CallerRig([A, B, "c:1"]);
    rig.servers.on(A, failing(() => notLeader({ endpoint: B, epoch: 4n }))).on(B, () => TERMS);
    const expected = { code: "no-leader", status: "FAILED_PRECONDITION", endpoint: A };
    await assert.rejects(once(rig, method), expected);
    assert.equal(rig.caller.cachedLeader, B);
    await once(rig, method);
    assert.deepEqual(rig.servers.asked, [A, B]);
  });

  Deno.test(`LeaderCaller.${name}() makes one attempt, which ends in time`, async () => {
    const rig = new CallerRig([A, B]);
    rig.servers.on(A, silent).on(B, silent);
    await assert.rejects(once(rig, method), { code: "deadline-exceeded", endpoint: A });
    assert.equal(rig.clock.monotonicMs(), 2_000);
    const short = rig.caller.currentMaxSafe(rig.call({ timeoutMs: 100 }));
    await assert.rejects(rig.whileTimePasses(short), { code: "deadline-exceeded" });
    assert.equal(rig.clock.monotonicMs(), 2_100);
    assert.equal(rig.servers.calls.length, 2);
  });
}

Deno.test("LeaderCaller.acquireLease() and renewLease() make their server the leader, the others do not", async () => {
  for (const [name, method] of METHODS) {
    const rig = new CallerRig([A]);
    rig.servers.on(A, () => TERMS);
    await once(rig, method);
    const known = name === "acquireLease" || name === "renewLease";
    assert.equal(rig.caller.cachedLeader, known ? A : undefined, name);
  }
});

Deno.test("LeaderCaller.acquireLease() and renewLease() return the terms", async () => {
  const rig = new CallerRig([A]);
  rig.servers.on(A, () => TERMS);
  const terms = { leaseId: 77, boundMs: 77, expiresAtMs: 80, epoch: 4n };
  assert.deepEqual(await once(rig, acquire), terms);
  assert.deepEqual(await once(rig, (caller, call) => caller.renewLease(77, call)), terms);
  assert.equal(rig.servers.calls[1]?.request.leaseId, 77n);
});

Deno.test("LeaderCaller.currentMaxSafe() and safeFrontier() return a point and its epoch", async () => {
  const rig = new CallerRig([A]);
  rig.servers.on(
    A,
    () => ({ maxSafePhysicalMs: 5n, frontierPhysicalMs: 6n, epochHi: 1n, epochLo: 2n }),
  );
  const epoch = (1n << 64n) + 2n;
  const maxSafe = await once(rig, (caller, call) => caller.currentMaxSafe(call));
  assert.deepEqual(maxSafe, { physicalMs: 5, epoch });
  const frontier = await once(rig, (caller, call) => caller.safeFrontier(call));
  assert.deepEqual(frontier, { physicalMs: 6, epoch });
});

for (
  const [name, terms] of [
    ["no epoch", { ...TERMS, epoch: undefined }],
    ["a bound beyond 46 bits", { ...TERMS, tsUpperBound: 1n << 46n }],
    ["an id beyond 46 bits", { ...TERMS, leaseId: 1n << 46n }],
  ] as const
) {
  Deno.test(`LeaderCaller.acquireLease() refuses a lease with ${name}`, async () => {
    const rig = new CallerRig([A]);
    rig.servers.on(A, () => terms);
    await assert.rejects(once(rig, acquire), { code: "bad-response", endpoint: A });
  });
}

Deno.test("LeaderCaller.acquireLease() refuses a lease of an earlier epoch, and avoids its server", async () => {
  const rig = new CallerRig([A, B]);
  rig.servers.on(A, inTurn(leaderOf(9n), () => TERMS)).on(
    B,
    () => ({ ...TERMS, epoch: { hi: 0n, lo: 9n } }),
  );
  await rig.getTs();
  await assert.rejects(once(rig, acquire), { name: "WentBackError" });
  assert.equal((await once(rig, acquire)).epoch, 9n);
});

const REFUSALS: readonly (readonly [Code, string])[] = [
  [Code.FailedPrecondition, "refused"],
  [Code.NotFound, "refused"],
  [Code.Unimplemented, "refused"],
  [Code.ResourceExhausted, "refused"],
  [Code.Internal, "refused"],
  [Code.InvalidArgument, "invalid-argument"],
  [Code.Unavailable, "unreachable"],
  [Code.DeadlineExceeded, "deadline-exceeded"],
];

for (const [code, expected] of REFUSALS) {
  Deno.test(`LeaderCaller.renewLease() throws ${expected} after ${Code[code]}`, async () => {
    const rig = new CallerRig([A]);
    rig.servers.on(A, failing(() => status(code, "the lease has expired")));
    const renewed = once(rig, (caller, call) => caller.renewLease(1, call));
    await assert.rejects(renewed, { code: expected, message: /the lease has expired/ });
    assert.equal(rig.counted("tsoracle.client.not_leader.total"), 0);
    assert.deepEqual(rig.servers.closed, []);
  });
}

Deno.test("LeaderCaller.acquireLease() goes elsewhere after a leader that cannot be reached", async () => {
  const rig = new CallerRig([A, B]);
  rig.servers.on(A, inTurn(leaderOf(4n), refuseConnection)).on(B, () => TERMS);
  await rig.getTs();
  await assert.rejects(once(rig, acquire), { code: "unreachable", endpoint: A });
  await once(rig, acquire);
  assert.equal(rig.caller.cachedLeader, B);
});

for (const trailer of [undefined, "", "/////w=="]) {
  Deno.test(`LeaderCaller.acquireLease() goes elsewhere after a hint of ${trailer}`, async () => {
    const rig = new CallerRig([A, B]);
    rig.servers.on(A, inTurn(leaderOf(4n), failing(() => notLeader(trailer)))).on(B, () => TERMS);
    await rig.getTs();
    await assert.rejects(once(rig, acquire), { status: "FAILED_PRECONDITION" });
    await once(rig, acquire);
    assert.deepEqual(rig.servers.asked, [A, A, B]);
  });
}
