// SPDX-License-Identifier: Apache-2.0

import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { TsoClientError } from "../../../src/client/errors.ts";
import type { ClientErrorCode } from "../../../src/client/errors.ts";
import { CallerRig } from "../_support/caller_rig.ts";
import {
  failing,
  grant,
  inTurn,
  leaderOf,
  notLeader,
  refuseConnection,
  resetConnection,
  silent,
  status,
} from "../_support/scripted_servers.ts";
import type { Script } from "../_support/scripted_servers.ts";

const A = "a:1";
const B = "b:1";
const C = "c:1";
const CIRCLES = "tsoracle.client.leader_redirect_cap.total";
const ALL_CIRCLES = "tsoracle.client.leader_redirect_total_cap.total";

function isError(code: ClientErrorCode, extra: Partial<TsoClientError> = {}) {
  return (error: unknown) => {
    assert.ok(error instanceof TsoClientError, `not ours: ${error}`);
    assert.equal(error.code, code, error.message);
    for (const [key, value] of Object.entries(extra)) {
      assert.equal(error[key as keyof TsoClientError], value);
    }
    return true;
  };
}

function hintTo(endpoint: string, epoch?: bigint): Script {
  return failing(() => notLeader(epoch === undefined ? { endpoint } : { endpoint, epoch }));
}

/** A chain of servers of which each names another: from `first` on, `length` of them. */
function chain(rig: CallerRig, first: string, length: number): void {
  rig.servers.on(first, hintTo("n1:1"));
  for (let n = 1; n <= length; n++) rig.servers.on(`n${n}:1`, hintTo(`n${n + 1}:1`));
}

Deno.test("LeaderCaller.getTs() goes where a hint points, and later at once", async () => {
  const rig = new CallerRig([A, B]);
  rig.servers.on(A, hintTo(C, 7n)).on(B, leaderOf(6n)).on(C, leaderOf(7n));
  assert.deepEqual(await rig.getTs(5), {
    physicalMs: 1_000,
    logicalStart: 0,
    count: 5,
    epoch: 7n,
  });
  await rig.getTs();
  assert.deepEqual(rig.servers.asked, [A, C, C]);
  assert.equal(rig.caller.cachedLeader, C);
  assert.equal(rig.counted("tsoracle.client.not_leader.total"), 1);
  assert.equal(rig.counted("tsoracle.client.retries.not_leader.total"), 1);
});

for (
  const [name, trailer] of [["absent", undefined], ["empty", ""], [
    "without endpoint",
    "EgIQBw==",
  ]] as const
) {
  Deno.test(`LeaderCaller.getTs() rides out an election when the hint is ${name}`, async () => {
    const rig = new CallerRig([A, B]);
    const follower = () => notLeader(trailer);
    rig.servers.on(A, inTurn(failing(follower), failing(follower), leaderOf(2n)));
    rig.servers.on(B, failing(follower));
    await rig.getTs();
    assert.equal(rig.caller.cachedLeader, A);
    assert.equal(rig.counted("tsoracle.client.leader_hint.decode_failures.total"), 0);
  });
}

Deno.test("LeaderCaller.getTs() waits for a leader until the time of the call is over, and no longer", async () => {
  const rig = new CallerRig([A, B], { random: () => 0.999 });
  rig.servers.on(A, failing(() => notLeader(""))).on(B, failing(() => notLeader()));
  await assert.rejects(rig.getTs(), isError("no-leader", { status: "FAILED_PRECONDITION" }));
  assert.equal(rig.clock.monotonicMs(), 10_000);
  assert.equal(rig.clock.sleeping, 0);
});

Deno.test("LeaderCaller.getTs() rides out an election although the old leader cannot be reached", async () => {
  const rig = new CallerRig([A, B, C]);
  const electing = failing(() => notLeader({ endpoint: A, epoch: 1n }));
  rig.servers.on(A, refuseConnection).on(C, electing);
  rig.servers.on(B, inTurn(...Array<Script>(12).fill(electing), leaderOf(2n)));
  await rig.getTs();
  assert.equal(rig.caller.cachedLeader, B);
});

Deno.test("LeaderCaller.getTs() ends loops of hints: none is visited twice in a pass", async () => {
  const rig = new CallerRig([A], { retry: { baseBackoffMs: 5_000 }, random: () => 0.9 });
  rig.servers.on(A, hintTo(B)).on(B, hintTo(A));
  await assert.rejects(rig.getTs(1, { timeoutMs: 4_000 }), isError("no-leader"));
  assert.deepEqual(rig.servers.asked, [A, B]);
});

Deno.test("LeaderCaller.getTs() comes back in the next pass when two servers named each other", async () => {
  const rig = new CallerRig([A]);
  rig.servers.on(A, hintTo(B)).on(B, inTurn(hintTo(A), leaderOf(3n)));
  await rig.getTs();
  assert.deepEqual(rig.servers.asked.slice(0, 2), [A, B]);
  assert.equal(rig.caller.cachedLeader, B);
});

Deno.test("LeaderCaller.getTs() follows at most 16 hints in a pass", async () => {
  const rig = new CallerRig([A], { retry: { baseBackoffMs: 5_000 }, random: () => 0.9 });
  chain(rig, A, 20);
  await assert.rejects(rig.getTs(1, { timeoutMs: 4_000 }), isError("no-leader"));
  assert.equal(rig.servers.calls.length, 17);
  assert.equal(rig.counted(CIRCLES), 1);
  assert.equal(rig.counted(ALL_CIRCLES), 0);
});

Deno.test("LeaderCaller.getTs() follows at most 64 hints in a call, and fails before its time", async () => {
  const rig = new CallerRig([A]);
  chain(rig, A, 20);
  await assert.rejects(rig.getTs(), isError("no-leader", { status: "FAILED_PRECONDITION" }));
  assert.equal(rig.counted("tsoracle.client.retries.not_leader.total") >= 64, true);
  assert.equal(rig.counted(ALL_CIRCLES), 1);
  assert.ok(rig.clock.monotonicMs() < 10_000);
});

Deno.test("LeaderCaller.getTs() does not charge hints: five failed attempts remain", async () => {
  const rig = new CallerRig([A], { retry: { maxAttempts: 2 } });
  rig.servers.on(A, hintTo("n1:1")).on("n1:1", hintTo("n2:1")).on("n2:1", hintTo("n3:1"));
  rig.servers.on("n3:1", leaderOf(1n));
  await rig.getTs();
  assert.equal(rig.servers.calls.length, 4);
});

Deno.test("LeaderCaller.getTs() fails after maxAttempts failed attempts at one endpoint", async () => {
  const rig = new CallerRig([A]);
  await assert.rejects(rig.getTs(), isError("unreachable", { endpoint: A }));
  assert.equal(rig.servers.calls.length, 5);
  assert.equal(rig.counted("tsoracle.client.connect.failures.total"), 5);
  assert.equal(rig.counted("tsoracle.client.retries.connect_failure.total"), 4);
});

Deno.test("LeaderCaller.getTs() asks every endpoint at least once, also with fewer attempts", async () => {
  const rig = new CallerRig([A, B, C], { retry: { maxAttempts: 1 } });
  rig.servers.on(C, leaderOf(1n));
  await rig.getTs();
  assert.deepEqual(rig.servers.asked, [A, B, C]);
});

Deno.test("LeaderCaller.getTs() ends an attempt that is never answered, and asks the next server", async () => {
  const rig = new CallerRig([A, B]);
  rig.servers.on(A, silent).on(B, leaderOf(1n));
  await rig.getTs();
  assert.equal(rig.clock.monotonicMs(), 2_000);
  assert.equal(rig.servers.calls[0]?.timeoutMs, 2_000);
  assert.equal(rig.servers.calls[0]?.signal?.aborted, true);
  assert.deepEqual(rig.servers.closed, ["http://a:1"]);
  assert.equal(rig.counted("tsoracle.client.retries.deadline_exceeded.total"), 1);
  assert.equal(rig.clock.sleeping, 0);
});

Deno.test("LeaderCaller.getTs() ends at its deadline when nobody ever answers", async () => {
  const rig = new CallerRig([A]);
  rig.servers.on(A, silent);
  await assert.rejects(rig.getTs(1, { timeoutMs: 500.5 }), isError("deadline-exceeded"));
  assert.equal(rig.clock.monotonicMs(), 500.5);
  assert.equal(rig.servers.calls[0]?.timeoutMs, 501);
  assert.deepEqual(rig.servers.closed, [], "a hurried caller does not end the connection");
});

Deno.test("LeaderCaller.getTs() gives up a silent connection although every caller is in a hurry", async () => {
  const rig = new CallerRig([A]);
  rig.servers.on(A, silent);
  for (let n = 0; n < 4; n++) {
    assert.deepEqual(rig.servers.closed, []);
    await assert.rejects(rig.getTs(1, { timeoutMs: 500 }), isError("deadline-exceeded"));
  }
  assert.deepEqual(rig.servers.closed, ["http://a:1"]);
});

Deno.test("LeaderCaller.getTs() drops a leader that failed from the front, and keeps its epoch", async () => {
  const rig = new CallerRig([A, B]);
  rig.servers.on(A, inTurn(leaderOf(5n), resetConnection, hintTo(B, 4n)));
  rig.servers.on(B, inTurn(leaderOf(6n, 2_000)));
  await rig.getTs();
  assert.equal(rig.caller.cachedLeader, A);
  await rig.getTs();
  assert.equal(rig.caller.cachedLeader, B);
  assert.equal(rig.counted("tsoracle.client.leader_pivots.total"), 1);
  assert.deepEqual(rig.servers.closed, ["http://a:1"]);
});

Deno.test("LeaderCaller.getTs() asks a leader that has stepped down after the others", async () => {
  const rig = new CallerRig([A, B]);
  rig.servers.on(A, inTurn(leaderOf(1n), failing(() => notLeader(""))));
  rig.servers.on(B, inTurn(failing(() => notLeader("")), leaderOf(2n, 2_000)));
  await rig.getTs();
  await rig.getTs();
  assert.deepEqual(rig.servers.asked, [A, A, B, B]);
});

Deno.test("LeaderCaller.getTs() does not begin a pass with a server that failed, although others name it", async () => {
  const rig = new CallerRig([A, B]);
  rig.servers.on(A, inTurn(leaderOf(1n), refuseConnection));
  rig.servers.on(B, inTurn(hintTo(A, 1n), leaderOf(2n, 2_000)));
  await rig.getTs();
  await rig.getTs();
  assert.deepEqual(rig.servers.asked, [A, A, B, B]);
});

Deno.test("LeaderCaller.getTs() tells of the failure before the attempt that the deadline cut short", async () => {
  const rig = new CallerRig([A, B]);
  rig.servers.on(B, silent);
  const expected = isError("unreachable", { endpoint: A });
  await assert.rejects(rig.getTs(1, { timeoutMs: 1_000 }), expected);
  assert.equal(rig.clock.monotonicMs(), 1_000);
});

Deno.test("LeaderCaller.getTs() does not follow a hint behind the epoch that it knows", async () => {
  const rig = new CallerRig([A, B]);
  rig.servers.on(A, inTurn(leaderOf(5n), hintTo(C, 4n), leaderOf(5n, 2_000)));
  rig.servers.on(B, failing(() => notLeader(""))).on(C, leaderOf(4n, 9_000));
  await rig.getTs();
  await rig.getTs();
  assert.equal(rig.servers.asked.includes(C), false);
  assert.equal(rig.counted("tsoracle.client.leader_hint.stale.total"), 1);
});

Deno.test("LeaderCaller.getTs() passes over a server whose hint cannot be read", async () => {
  const rig = new CallerRig([A, B]);
  rig.servers.on(A, failing(() => notLeader("/////w=="))).on(B, leaderOf(1n));
  await rig.getTs();
  assert.equal(rig.counted("tsoracle.client.leader_hint.decode_failures.total"), 1);
  assert.equal(rig.clock.monotonicMs(), 0);
});

Deno.test("LeaderCaller.getTs() fails fast when all that it hears is hints that cannot be read", async () => {
  const rig = new CallerRig([A, B]);
  rig.servers.on(A, failing(() => notLeader("/////w=="))).on(
    B,
    failing(() => notLeader("/////w==")),
  );
  const expected = isError("bad-response", { status: "FAILED_PRECONDITION", endpoint: B });
  await assert.rejects(rig.getTs(), expected);
  assert.equal(rig.servers.calls.length, 2);
  assert.equal(rig.clock.monotonicMs(), 0);
});

Deno.test("LeaderCaller.getTs() does not let a hint name a scheme, nor leave TLS", async () => {
  const rig = new CallerRig([A, B], { tls: { ca: "an authority" } });
  rig.servers.on(A, failing(() => notLeader({ endpoint: "http://evil:1" })));
  rig.servers.on(B, hintTo(C)).on(C, leaderOf(1n));
  await rig.getTs();
  assert.deepEqual(rig.servers.opened.map(({ origin }) => origin), [
    "https://a:1",
    "https://b:1",
    "https://c:1",
  ]);
  assert.deepEqual(rig.servers.opened.map(({ tls }) => tls?.ca), Array(3).fill("an authority"));
  assert.equal(rig.counted("tsoracle.client.leader_hint.decode_failures.total"), 1);
});

Deno.test("LeaderCaller.getTs() passes over an endpoint whose answer breaks the protocol, and keeps its channel", async () => {
  const rig = new CallerRig([A, B]);
  rig.servers.on(A, () => grant({ physicalMs: 1, count: 2 })).on(B, leaderOf(1n));
  await rig.getTs();
  assert.deepEqual(rig.servers.closed, []);
  assert.equal(rig.counted("tsoracle.client.retries.decode_error.total"), 1);
  assert.equal(rig.clock.monotonicMs(), 0);
});

Deno.test("LeaderCaller.getTs() passes over an endpoint that cannot be opened at all", async () => {
  const rig: CallerRig = new CallerRig([A, B], {
    connect: (target) => {
      if (target.origin === "http://a:1") throw new TypeError("no such thing");
      return rig.servers.connect(target);
    },
  });
  rig.servers.on(B, leaderOf(1n));
  await rig.getTs();
  assert.equal(rig.counted("tsoracle.client.connect.failures.total"), 1);
});

Deno.test("LeaderCaller.getTs() keeps what failed as the cause when the call ends without a leader", async () => {
  const rig = new CallerRig([A, B]);
  rig.servers.on(A, failing(() => status(Code.Unavailable, "persist: slow"))).on(B, hintTo(A));
  await assert.rejects(rig.getTs(), (error) => {
    isError("no-leader")(error);
    return /UNAVAILABLE: persist: slow/.test(String((error as Error).cause));
  });
});

interface PrecedenceRow {
  readonly name: string;
  readonly a: Script;
  readonly b: Script;
  readonly code: ClientErrorCode;
  readonly status?: string;
  readonly calls?: number;
}

const internal = failing(() => status(Code.Internal, "window exhausted"));
const unavailable = failing(() => status(Code.Unavailable, "persist: slow"));
const electing = failing(() => notLeader(""));
const PRECEDENCE: readonly PrecedenceRow[] = [
  {
    name: "INTERNAL everywhere",
    a: internal,
    b: internal,
    code: "refused",
    status: "INTERNAL",
    calls: 2,
  },
  {
    name: "INTERNAL and an election",
    a: internal,
    b: electing,
    code: "refused",
    status: "INTERNAL",
  },
  { name: "an election and no connection", a: electing, b: refuseConnection, code: "no-leader" },
  {
    name: "no connection",
    a: refuseConnection,
    b: refuseConnection,
    code: "unreachable",
    calls: 5,
  },
  {
    name: "connections that end",
    a: resetConnection,
    b: resetConnection,
    code: "unreachable",
    calls: 5,
  },
  {
    name: "UNAVAILABLE",
    a: unavailable,
    b: unavailable,
    code: "unreachable",
    status: "UNAVAILABLE",
    calls: 5,
  },
  { name: "no answers", a: silent, b: silent, code: "deadline-exceeded", calls: 5 },
  {
    name: "a wrong argument",
    a: failing(() => status(Code.InvalidArgument, "invalid count")),
    b: failing(() => status(Code.InvalidArgument, "invalid count")),
    code: "invalid-argument",
    status: "INVALID_ARGUMENT",
    calls: 2,
  },
];

for (const row of PRECEDENCE) {
  Deno.test(`LeaderCaller.getTs() throws ${row.code} after ${row.name}`, async () => {
    const rig = new CallerRig([A, B], { random: () => 0.5 });
    rig.servers.on(A, row.a).on(B, row.b);
    await assert.rejects(rig.getTs(), isError(row.code, row.status ? { status: row.status } : {}));
    if (row.calls !== undefined) assert.equal(rig.servers.calls.length, row.calls);
    assert.equal(rig.clock.sleeping, 0);
  });
}
