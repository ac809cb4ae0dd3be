// SPDX-License-Identifier: Apache-2.0

import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { CallEnd } from "../../../src/client/calls/call_end.ts";
import type { Channel, ChannelTarget } from "../../../src/client/channels/channel.ts";
import type { DirectCall } from "../../../src/client/channels/direct_calls.ts";
import type { ClientOptions } from "../../../src/client/options.ts";
import { SystemClock } from "../../../src/clock/system_clock.ts";
import type { Clock, DelayOptions } from "../../../src/core/clock.ts";
import { GetTsResponseSchema } from "../../../src/gen/tsoracle/v1/tso_pb.ts";
import { ManualClock, settle } from "../../../src/testing/manual_clock.ts";
import { CallerRig } from "../_support/caller_rig.ts";
import {
  failing,
  grant,
  leaderOf,
  notLeader,
  silent,
  status,
} from "../_support/scripted_servers.ts";

const A = "a:1";
const B = "b:1";

/** The clock of a test that counts as that of the system. */
class PassingClock extends SystemClock {
  clock: Clock | undefined;

  override monotonicMs(): number {
    return this.clock?.monotonicMs() ?? 0;
  }

  override delay(ms: number, options?: DelayOptions): Promise<void> {
    return this.clock?.delay(ms, options) ?? Promise.resolve();
  }
}

/** A caller whose channels also make direct calls, which the test settles. */
class DirectRig extends CallerRig {
  readonly direct: DirectCall[] = [];
  readonly cancelled: DirectCall[] = [];
  isReady = true;

  constructor(options: Partial<ClientOptions> = {}) {
    const clock = new PassingClock();
    const connect = (target: ChannelTarget) => this.#open(target);
    super([A, B], { clock, connect, ...options });
    clock.clock = this.clock;
    this.servers.on(A, leaderOf(5n)).on(B, leaderOf(6n, 9_000));
  }

  /** Makes a call, which goes the usual way at first. */
  async lead(): Promise<this> {
    await this.getTs();
    assert.equal(this.caller.cachedLeader, A);
    return this;
  }

  /** Makes a call as a batch does. */
  ask(timeoutMs = 10_000) {
    const end = new CallEnd();
    const faults: unknown[] = [];
    const call = {
      ...{ end, timeoutMs, onFault: (error: unknown) => void faults.push(error) },
      get signal() {
        return end.signal;
      },
    };
    const answer = this.caller.getTs(1, call);
    answer.catch(() => {});
    return { answer, end, faults };
  }

  /** The direct call under way. */
  get underWay(): DirectCall {
    const call = this.direct.at(-1);
    if (call === undefined) throw new Error("nobody was asked directly");
    return call;
  }

  #open(target: ChannelTarget): Channel {
    const channel = this.servers.connect(target);
    const isReady = () => this.isReady;
    const transport = {
      ...channel.transport,
      get isReady() {
        return isReady();
      },
      begin: (call: DirectCall) => {
        this.direct.push(call);
        return { cancel: () => void this.cancelled.push(call) };
      },
    };
    return { ...channel, transport };
  }
}

function encoded(physicalMs: number, count = 1): Uint8Array {
  const block = grant({ physicalMs, count, epoch: 5n });
  return toBinary(GetTsResponseSchema, create(GetTsResponseSchema, block));
}

Deno.test("LeaderCaller.getTs() asks a leader that is known directly, without a signal", async () => {
  const rig = await new DirectRig().lead();
  const { answer, end } = rig.ask();
  let isMade = false;
  Object.defineProperty(end, "signal", { get: () => isMade = true });
  assert.deepEqual([rig.underWay.timeoutMs, rig.clock.sleeping], [2_000, 0]);
  rig.underWay.onAnswer(encoded(2_000));
  assert.deepEqual(await answer, { physicalMs: 2_000, logicalStart: 0, count: 1, epoch: 5n });
  end.abort(new Error("too late"));
  rig.caller.close();
  assert.deepEqual([isMade, rig.servers.asked, rig.cancelled], [false, [A], []]);
});

Deno.test("LeaderCaller.getTs() asks in the usual way where the connection is not ready", async () => {
  const rig = await new DirectRig().lead();
  rig.isReady = false;
  await rig.ask().answer;
  assert.deepEqual([rig.servers.asked, rig.direct], [[A, A], []]);
});

Deno.test("LeaderCaller.getTs() asks in the usual way where the user has a clock", async () => {
  const rig = await new DirectRig({ clock: new ManualClock() }).lead();
  await rig.ask().answer;
  assert.deepEqual([rig.servers.asked, rig.direct], [[A, A], []]);
});

Deno.test("LeaderCaller.getTs() asks nobody directly before it knows who leads, or once it has failed", async () => {
  const rig = new DirectRig();
  await rig.ask().answer;
  assert.deepEqual([rig.servers.asked, rig.direct], [[A], []]);
  rig.ask();
  rig.underWay.onFault(new Error("gone"));
  rig.servers.on(B, silent);
  await settle();
  rig.ask();
  assert.equal(rig.direct.length, 1);
  rig.caller.close();
});

Deno.test("a direct attempt that fails is the first one of the search, which asks the others next", async () => {
  const rig = await new DirectRig().lead();
  const { answer, faults } = rig.ask();
  rig.underWay.onFault(status(Code.Unavailable));
  assert.equal((await rig.whileTimePasses(answer)).physicalMs, 9_000);
  assert.deepEqual(rig.servers.asked, [A, B]);
  assert.equal(faults.length, 1);
  assert.equal(rig.counted("tsoracle.client.retries.transport.total"), 1);
  assert.equal(rig.caller.cachedLeader, B);
});

Deno.test("a direct attempt that the server refuses is followed to the leader that it names", async () => {
  const rig = await new DirectRig().lead();
  const { answer } = rig.ask();
  rig.underWay.onFault(notLeader({ endpoint: B, epoch: 6n }));
  assert.equal((await rig.whileTimePasses(answer)).epoch, 6n);
  assert.equal(rig.counted("tsoracle.client.not_leader.total"), 1);
  assert.deepEqual(rig.servers.asked, [A, B]);
});

Deno.test("a direct attempt leaves its connection, which closes then if it has failed", async () => {
  const rig = await new DirectRig().lead();
  const first = rig.ask();
  rig.underWay.onAnswer(encoded(2_000));
  await first.answer;
  const { answer } = rig.ask();
  rig.underWay.onFault(new ConnectError("reset", Code.Aborted));
  assert.deepEqual(rig.servers.closed, ["http://a:1"]);
  await rig.whileTimePasses(answer);
});

Deno.test("a direct attempt counts among the attempts of its call", async () => {
  const rig = await new DirectRig({ retry: { maxAttempts: 2 } }).lead();
  for (const name of [A, B]) rig.servers.on(name, () => Promise.reject(status(Code.Internal)));
  const { answer } = rig.ask();
  rig.underWay.onFault(status(Code.Internal));
  await assert.rejects(rig.whileTimePasses(answer), { code: "refused" });
  assert.deepEqual(rig.servers.asked, [A, B]);
});

Deno.test("a direct attempt that is late is named so, and takes its time from the call", async () => {
  const rig = await new DirectRig().lead();
  for (const name of [A, B]) rig.servers.on(name, silent);
  const { answer, faults } = rig.ask(2_500);
  await rig.clock.advance(2_000);
  rig.underWay.onLate();
  assert.match(String(faults[0]), /no answer within 2000 ms/);
  await rig.clock.advance(499);
  assert.equal(rig.servers.asked.length, 2);
  await rig.clock.advance(1);
  await assert.rejects(answer, { code: "deadline-exceeded" });
});

Deno.test("a direct attempt whose answer goes back is refused, and its server not asked again", async () => {
  const rig = await new DirectRig().lead();
  const { answer, faults } = rig.ask();
  rig.underWay.onAnswer(encoded(999));
  assert.equal((await rig.whileTimePasses(answer)).physicalMs, 9_000);
  assert.match(String(faults[0]), /went back/);
  assert.equal(rig.counted("tsoracle.client.went_back.total"), 1);
});

Deno.test("a leader that went back is not asked directly, whoever names it: all others are asked before it", async () => {
  const rig = await new DirectRig().lead();
  rig.servers.on(A, leaderOf(7n, 9_500));
  rig.servers.on(B, failing(() => notLeader({ endpoint: A, epoch: 7n })));
  const { answer } = rig.ask();
  rig.underWay.onAnswer(encoded(999));
  await rig.whileTimePasses(answer);
  assert.equal(rig.caller.cachedLeader, A);
  const { length } = rig.servers.asked;
  await rig.whileTimePasses(rig.ask().answer);
  assert.deepEqual([rig.direct.length, rig.servers.asked[length], rig.servers.asked.at(-1)], [
    1,
    B,
    A,
  ]);
});

for (
  const [name, message] of [
    ["is of another size", encoded(2_000, 2)],
    ["is no message", new Uint8Array([0xff])],
  ] as const
) {
  Deno.test(`a direct attempt whose answer ${name} has failed`, async () => {
    const rig = await new DirectRig().lead();
    const { answer, faults } = rig.ask();
    rig.underWay.onAnswer(message);
    assert.equal((await rig.whileTimePasses(answer)).physicalMs, 9_000);
    assert.equal(faults.length, 1);
  });
}

Deno.test("a direct attempt ends with its call, and nothing that comes later matters", async () => {
  const rig = await new DirectRig().lead();
  const { answer, end } = rig.ask();
  const reason = new Error("enough");
  end.abort(reason);
  await assert.rejects(answer, (error) => error === reason);
  assert.deepEqual(rig.cancelled, [rig.underWay]);
  rig.underWay.onFault(new Error("cancelled"));
  assert.deepEqual(rig.servers.asked, [A]);
  assert.equal(rig.caller.cachedLeader, A);
});

Deno.test("LeaderCaller.close() ends a direct attempt", async () => {
  const rig = await new DirectRig().lead();
  const { answer } = rig.ask();
  rig.caller.close();
  await assert.rejects(answer, { code: "closed" });
  assert.deepEqual([rig.cancelled.length, rig.servers.closed], [1, ["http://a:1"]]);
});

Deno.test("a search that a direct attempt began ends with its call", async () => {
  const rig = await new DirectRig().lead();
  rig.servers.on(B, silent);
  const { answer, end } = rig.ask();
  rig.underWay.onFault(status(Code.Internal));
  await settle();
  end.abort(new Error("enough"));
  await assert.rejects(answer, /enough/);
  assert.equal(rig.clock.sleeping, 0);
});

Deno.test("a direct attempt that nobody waited for long enough tells of a silent leader", async () => {
  const rig = await new DirectRig().lead();
  for (let call = 0; call < 2; call++) {
    const { end } = rig.ask();
    await rig.clock.advance(1_000);
    end.abort(new Error("enough"));
  }
  assert.equal(rig.caller.cachedLeader, undefined);
  assert.deepEqual(rig.servers.closed, ["http://a:1"]);
});
