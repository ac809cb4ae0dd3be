// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { WentBackError } from "../../src/client/errors.ts";
import { deferred } from "../../src/core/deferred.ts";
import type { Deferred } from "../../src/core/deferred.ts";
import { settle } from "../../src/testing/manual_clock.ts";
import { CallerRig } from "./_support/caller_rig.ts";
import { failing, grant, inTurn, leaderOf, notLeader } from "./_support/scripted_servers.ts";

const A = "a:1";
const B = "b:1";
const WENT_BACK = "tsoracle.client.went_back.total";

interface Answer {
  readonly physicalMs: number;
  readonly logicalStart?: number;
  readonly epoch?: bigint;
}

const FIRST: Answer = { physicalMs: 1_000, logicalStart: 5, epoch: 3n };

/** Answers after (1000, 5) to (1000, 7) of epoch 3 had been received. */
const ROWS: readonly (readonly [string, Answer, boolean])[] = [
  ["the next logical", { physicalMs: 1_000, logicalStart: 8, epoch: 3n }, true],
  ["the next millisecond", { physicalMs: 1_001, logicalStart: 0, epoch: 3n }, true],
  ["the next epoch", { physicalMs: 1_001, logicalStart: 0, epoch: 4n }, true],
  ["the last timestamp again", { physicalMs: 1_000, logicalStart: 7, epoch: 3n }, false],
  ["the same block again", FIRST, false],
  ["an earlier millisecond", { physicalMs: 999, logicalStart: 262_000, epoch: 3n }, false],
  ["an earlier millisecond of the next epoch", { physicalMs: 999, epoch: 4n }, false],
  ["an earlier epoch", { physicalMs: 1_001, epoch: 2n }, false],
];

for (const [name, answer, good] of ROWS) {
  Deno.test(`LeaderCaller.getTs() ${good ? "hands out" : "refuses"} ${name}`, async () => {
    const rig = new CallerRig([A]);
    rig.servers.on(
      A,
      inTurn(() => grant({ ...FIRST, count: 3 }), () => grant({ ...answer, count: 3 })),
    );
    await rig.getTs(3);
    const outcome = rig.getTs(3);
    if (good) assert.equal((await outcome).physicalMs, answer.physicalMs);
    else {await assert.rejects(outcome, {
        name: "WentBackError",
        code: "bad-response",
        endpoint: A,
      });}
    assert.equal(rig.counted(WENT_BACK), good ? 0 : 1);
    assert.deepEqual(rig.servers.closed, []);
  });
}

Deno.test("LeaderCaller.getTs() takes the answer of another server when one went back, and avoids that one", async () => {
  const rig = new CallerRig([A, B]);
  rig.servers.on(A, inTurn(leaderOf(3n, 5_000), leaderOf(1n, 1_000))).on(B, leaderOf(4n, 6_000));
  await rig.getTs();
  assert.deepEqual(await rig.getTs(), { physicalMs: 6_000, logicalStart: 0, count: 1, epoch: 4n });
  assert.equal(rig.caller.cachedLeader, B);
  for (let n = 0; n < 4; n++) await rig.getTs();
  assert.deepEqual(rig.servers.asked, [A, A, B, B, B, B, B]);
});

Deno.test("LeaderCaller.getTs() does not follow a hint to a server that went back while others are left", async () => {
  const rig = new CallerRig([A, B, "c:1"]);
  rig.servers.on(A, inTurn(leaderOf(3n, 5_000), leaderOf(1n, 1_000)));
  rig.servers.on(
    B,
    inTurn(leaderOf(4n, 6_000), failing(() => notLeader({ endpoint: A, epoch: 4n }))),
  );
  rig.servers.on("c:1", leaderOf(5n, 7_000));
  for (let n = 0; n < 3; n++) await rig.getTs();
  assert.deepEqual(rig.servers.asked, [A, A, B, B, "c:1"]);
});

Deno.test("LeaderCaller.getTs() refuses an epoch before that of ordinals that were received", async () => {
  const rig = new CallerRig([A]);
  const request = { key: "orders", count: 1 };
  rig.servers.on(A, inTurn(() => ({ ...request, epoch: { hi: 0n, lo: 5n } }), leaderOf(4n)));
  await rig.whileTimePasses(rig.caller.getSeq(request, rig.call()));
  await assert.rejects(rig.getTs(), WentBackError);
});

Deno.test("LeaderCaller.getTs() asks a server that went back when nothing else is left, and checks it again", async () => {
  const rig = new CallerRig([A]);
  rig.servers.on(
    A,
    inTurn(leaderOf(3n, 5_000), leaderOf(1n, 1_000), leaderOf(1n, 2_000), leaderOf(4n, 6_000)),
  );
  await rig.getTs();
  await assert.rejects(rig.getTs(), WentBackError);
  await assert.rejects(rig.getTs(), WentBackError);
  assert.equal(rig.counted(WENT_BACK), 2);
  assert.equal((await rig.getTs()).physicalMs, 6_000);
});

Deno.test("LeaderCaller.getTs() forgives a server after leaderTtlMs", async () => {
  const rig = new CallerRig([A, B], { leaderTtlMs: 1_000 });
  rig.servers.on(A, inTurn(leaderOf(3n, 5_000), leaderOf(1n, 1_000), leaderOf(5n, 7_000)));
  rig.servers.on(B, leaderOf(4n, 6_000));
  await rig.getTs();
  await rig.getTs();
  await rig.clock.advance(1_000);
  // The rotation has come round to the first endpoint.
  assert.equal((await rig.getTs()).physicalMs, 7_000);
});

/** A server whose answers come when the test says so. */
function answeringLater(rig: CallerRig, name: string) {
  const answers: Deferred<unknown>[] = [];
  rig.servers.on(name, () => {
    const answer = deferred<unknown>();
    answers.push(answer);
    return answer.promise;
  });
  return answers;
}

Deno.test("LeaderCaller.getTs() hands out what an overlapping batch received late, over a change of leader", async () => {
  const rig = new CallerRig([A]);
  const answers = answeringLater(rig, A);
  const first = rig.caller.getTs(2, rig.call());
  const second = rig.caller.getTs(2, rig.call());
  await settle();
  answers[1]?.resolve(grant({ physicalMs: 2_000, count: 2, epoch: 8n }));
  assert.equal((await second).epoch, 8n);
  answers[0]?.resolve(grant({ physicalMs: 1_000, count: 2, epoch: 7n }));
  assert.deepEqual(await first, { physicalMs: 1_000, logicalStart: 0, count: 2, epoch: 7n });
  assert.equal(rig.counted(WENT_BACK), 0);
});

Deno.test("LeaderCaller.getTs() compares with what was received when the attempt was sent, not the call", async () => {
  const rig = new CallerRig([A, B]);
  const answers = answeringLater(rig, A);
  rig.servers.on(
    B,
    inTurn(leaderOf(8n, 2_000), () => grant({ physicalMs: 1_500, count: 1, epoch: 8n })),
  );
  const slow = rig.caller.getTs(1, rig.call());
  await settle();
  // A second call, which begins at the other endpoint, is answered while the first attempt goes on.
  await rig.caller.getTs(1, rig.call());
  rig.servers.on(A, () => grant({ physicalMs: 1_500, count: 1, epoch: 8n }));
  answers[0]?.resolve(Promise.reject(new Error("lost")));
  // The second attempt of the first call is sent after that answer, and must not lie before it.
  await assert.rejects(rig.whileTimePasses(slow), WentBackError);
});

Deno.test("LeaderCaller.getTs() keeps the highest mark when a late answer is lower", async () => {
  const rig = new CallerRig([A]);
  const answers = answeringLater(rig, A);
  const both = [rig.caller.getTs(1, rig.call()), rig.caller.getTs(1, rig.call())];
  await settle();
  answers[1]?.resolve(grant({ physicalMs: 2_000, count: 1 }));
  await both[1];
  answers[0]?.resolve(grant({ physicalMs: 1_000, count: 1 }));
  await both[0];
  rig.servers.on(A, () => grant({ physicalMs: 1_500, count: 1 }));
  await assert.rejects(rig.getTs(), WentBackError);
});
