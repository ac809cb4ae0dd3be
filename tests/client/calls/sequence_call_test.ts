// SPDX-License-Identifier: Apache-2.0

import { Code, ConnectError } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { SeqUncertainError, TsoClientError } from "../../../src/client/errors.ts";
import type { Channel } from "../../../src/client/channels/channel.ts";
import type { CallContext } from "../../../src/client/grants.ts";
import { settle } from "../../../src/testing/manual_clock.ts";
import { CallerRig } from "../_support/caller_rig.ts";
import {
  failing,
  inTurn,
  leaderOf,
  notLeader,
  refuseConnection,
  resetConnection,
  silent,
  status,
} from "../_support/scripted_servers.ts";

const A = "a:1";
const B = "b:1";
const REQUEST = { key: "orders", count: 3 };
const EPOCH = { hi: 0n, lo: 2n };

function block() {
  return { ...REQUEST, start: 40n, epoch: EPOCH };
}

function getSeq(rig: CallerRig, limits: Partial<CallContext> = {}) {
  return rig.whileTimePasses(rig.caller.getSeq(REQUEST, rig.call(limits)));
}

/** Every status but OK. */
const CODES = Object.values(Code).filter((code) => typeof code === "number");

/** What a status without a hint means for a request for ordinals (behaviour.md 6.7). */
const DEFINITE = new Map([
  [Code.FailedPrecondition, "refused"],
  [Code.InvalidArgument, "invalid-argument"],
  [Code.ResourceExhausted, "refused"],
  [Code.Unimplemented, "refused"],
]);

for (const code of CODES) {
  const expected = DEFINITE.get(code) ?? "outcome-unknown";
  Deno.test(`LeaderCaller.getSeq() throws ${expected} after ${Code[code]}, and asks nobody again`, async () => {
    const rig = new CallerRig([A, B]);
    rig.servers.on(A, failing(() => status(code, "dense counter overflow"))).on(B, block);
    await assert.rejects(getSeq(rig), (error) => {
      assert.ok(error instanceof TsoClientError);
      assert.equal(error.code, expected);
      assert.equal(error instanceof SeqUncertainError, expected === "outcome-unknown");
      assert.equal(error.endpoint, A);
      return true;
    });
    assert.deepEqual(rig.servers.asked, [A]);
  });

  Deno.test(`LeaderCaller.getSeq() follows a hint only if it comes with FailedPrecondition, here ${Code[code]}`, async () => {
    const rig = new CallerRig([A]);
    const metadata = notLeader({ endpoint: B, epoch: 2n }).metadata;
    rig.servers.on(A, failing(() => status(code, "not leader", metadata))).on(B, block);
    const outcome = await getSeq(rig).then(() => "block", (error) => error.code);
    const otherwise = DEFINITE.get(code) ?? "outcome-unknown";
    assert.equal(outcome, code === Code.FailedPrecondition ? "block" : otherwise);
  });

  Deno.test(`LeaderCaller.getSeq() does not take ${Code[code]} of a transport for the word of a server`, async () => {
    const rig = new CallerRig([A, B]);
    const cause = new Error("stream closed");
    rig.servers.on(A, failing(() => new ConnectError("http/2", code, undefined, undefined, cause)));
    await assert.rejects(getSeq(rig), SeqUncertainError);
    assert.deepEqual(rig.servers.asked, [A]);
  });
}

Deno.test("LeaderCaller.getSeq() returns the block and remembers who gave it", async () => {
  const rig = new CallerRig([A]);
  rig.servers.on(A, block);
  assert.deepEqual(await getSeq(rig), { ...REQUEST, start: 40n, epoch: 2n });
  assert.equal(rig.caller.cachedLeader, A);
});

Deno.test("LeaderCaller.getSeq() is asked again when nothing was sent", async () => {
  const rig = new CallerRig([A, B]);
  rig.servers.on(A, refuseConnection).on(B, block);
  await getSeq(rig);
  assert.deepEqual(rig.servers.asked, [A, B]);
});

Deno.test("LeaderCaller.getSeq() is asked again when a server refused the stream unread", async () => {
  const rig = new CallerRig([A]);
  const text = "http/2 stream closed with error code REFUSED_STREAM (0x7)";
  rig.servers.on(A, inTurn(failing(() => new ConnectError(text, Code.Unavailable)), block));
  await getSeq(rig);
});

Deno.test("LeaderCaller.getSeq() is in doubt when a transport that may repeat requests could not connect", async () => {
  const rig: CallerRig = new CallerRig([A, B], {
    connect: (target): Channel => ({ ...rig.servers.connect(target), sendsOnce: false }),
  });
  rig.servers.on(A, refuseConnection).on(B, block);
  await assert.rejects(getSeq(rig), SeqUncertainError);
  assert.deepEqual(rig.servers.asked, [A]);
});

Deno.test("LeaderCaller.getSeq() throws unreachable, not outcome-unknown, when nobody could be reached", async () => {
  const rig = new CallerRig([A, B]);
  await assert.rejects(getSeq(rig), { code: "unreachable", name: "TsoClientError" });
  assert.equal(rig.servers.calls.length, 5);
});

for (const [name, script] of [["is cut", resetConnection], ["is silent", silent]] as const) {
  Deno.test(`LeaderCaller.getSeq() leaves the outcome unknown when the connection ${name}`, async () => {
    const rig = new CallerRig([A, B]);
    rig.servers.on(A, script).on(B, block);
    await assert.rejects(getSeq(rig), SeqUncertainError);
    assert.deepEqual(rig.servers.asked, [A]);
    assert.deepEqual(rig.servers.closed, ["http://a:1"]);
  });
}

for (const [name, trailer] of [["absent", undefined], ["empty", ""], ["stale", "stale"]] as const) {
  Deno.test(`LeaderCaller.getSeq() rides out an election when the hint is ${name}`, async () => {
    const rig = new CallerRig([A]);
    const hint = trailer === "stale" ? { endpoint: B, epoch: 1n } : trailer;
    rig.servers.on(A, inTurn(leaderOf(2n), failing(() => notLeader(hint)), block));
    await rig.getTs();
    await getSeq(rig);
    assert.deepEqual(rig.servers.asked, [A, A, A]);
  });
}

Deno.test("LeaderCaller.getSeq() ends for good with a hint that cannot be read", async () => {
  const rig = new CallerRig([A, B]);
  rig.servers.on(A, failing(() => notLeader("/////w=="))).on(B, block);
  await assert.rejects(getSeq(rig), { code: "bad-response", name: "TsoClientError" });
  assert.deepEqual(rig.servers.asked, [A]);
});

const BAD_BLOCKS: readonly (readonly [string, Record<string, unknown>])[] = [
  ["another key", { key: "orders2" }],
  ["another count", { count: 2 }],
  ["no epoch", { epoch: undefined }],
  ["an end beyond 2^64 - 1", { start: (1n << 64n) - 2n }],
];

for (const [name, fields] of BAD_BLOCKS) {
  Deno.test(`LeaderCaller.getSeq() leaves the outcome unknown after a block with ${name}`, async () => {
    const rig = new CallerRig([A, B]);
    rig.servers.on(A, () => ({ ...REQUEST, start: 0n, epoch: EPOCH, ...fields })).on(B, block);
    await assert.rejects(getSeq(rig), SeqUncertainError);
    assert.deepEqual(rig.servers.asked, [A]);
  });
}

Deno.test("LeaderCaller.getSeq() leaves the outcome unknown when the epoch went back", async () => {
  const rig = new CallerRig([A]);
  rig.servers.on(A, inTurn(leaderOf(3n), block));
  await rig.getTs();
  await assert.rejects(getSeq(rig), SeqUncertainError);
  assert.equal(rig.counted("tsoracle.client.went_back.total"), 1);
});

Deno.test("LeaderCaller.getSeqBatch() returns the blocks in the order of the requests", async () => {
  const rig = new CallerRig([A]);
  const requests = [{ key: "b", count: 1 }, { key: "a", count: 2 }];
  const grants = requests.map((request, index) => ({ ...request, start: BigInt(index) }));
  rig.servers.on(A, () => ({ grants, epoch: EPOCH }));
  const batch = await rig.whileTimePasses(rig.caller.getSeqBatch(requests, rig.call()));
  assert.deepEqual(batch, { blocks: grants, epoch: 2n });
});

for (
  const [name, pick] of [["in another order", [1, 0]], ["too few", [0]], ["too many", [
    0,
    1,
    1,
  ]]] as const
) {
  Deno.test(`LeaderCaller.getSeqBatch() leaves the outcome unknown after blocks that are ${name}`, async () => {
    const rig = new CallerRig([A]);
    const requests = [{ key: "b", count: 1 }, { key: "a", count: 2 }];
    const grants = pick.map((index) => ({ ...requests[index], start: 0n }));
    rig.servers.on(A, () => ({ grants, epoch: EPOCH }));
    const batch = rig.whileTimePasses(rig.caller.getSeqBatch(requests, rig.call()));
    await assert.rejects(batch, SeqUncertainError);
  });
}

Deno.test("LeaderCaller.getSeq() knows that nothing was sent while the connection was made", async () => {
  const rig: CallerRig = new CallerRig([A, B], {
    connect(target): Channel {
      const channel = rig.servers.connect(target);
      return target.origin === "http://a:1" ? { ...channel, dial: silent } : channel;
    },
  });
  rig.servers.on(A, block).on(B, block);
  await getSeq(rig);
  assert.deepEqual(rig.servers.asked, [B]);
  assert.equal(rig.clock.monotonicMs(), 2_000);
});

Deno.test("LeaderCaller.getSeq() sends nothing over a connection that is made too late", async () => {
  let connected = () => {};
  const rig: CallerRig = new CallerRig([A], {
    retry: { maxAttempts: 1 },
    connect(target): Channel {
      const dial = () => new Promise<void>((resolve) => connected = resolve);
      return { ...rig.servers.connect(target), dial };
    },
  });
  rig.servers.on(A, block);
  await assert.rejects(getSeq(rig), { code: "unreachable" });
  connected();
  await rig.clock.advance(1);
  assert.deepEqual(rig.servers.asked, []);
});

Deno.test("LeaderCaller.close() leaves the outcome of a request under way unknown", async () => {
  const rig = new CallerRig([A]);
  rig.servers.on(A, silent);
  const waiting = assert.rejects(getSeq(rig), SeqUncertainError);
  await settle();
  assert.deepEqual(rig.servers.asked, [A]);
  rig.caller.close();
  await waiting;
});

Deno.test("LeaderCaller.close() leaves nothing in doubt while an election is ridden out", async () => {
  const rig = new CallerRig([A], { random: () => 0.9 });
  rig.servers.on(A, failing(() => notLeader("")));
  const waiting = rig.caller.getSeq(REQUEST, rig.call());
  waiting.catch(() => {});
  await settle();
  rig.caller.close();
  await assert.rejects(waiting, { name: "TsoClientError", code: "closed" });
});
