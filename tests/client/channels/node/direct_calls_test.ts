// SPDX-License-Identifier: Apache-2.0

import { fromBinary } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import assert from "node:assert/strict";
import type { Channel, ChannelTarget } from "../../../../src/client/channels/channel.ts";
import { connectGrpc } from "../../../../src/client/channels/node/node_channel.ts";
import { DirectGrpcTransport } from "../../../../src/client/channels/node/direct_grpc_transport.ts";
import { directOf } from "../../../../src/client/channels/direct_calls.ts";
import type { DirectTransport } from "../../../../src/client/channels/direct_calls.ts";
import { GetTsResponseSchema, TsoService } from "../../../../src/gen/tsoracle/v1/tso_pb.ts";
import { TsoClient } from "../../../../src/client/mod.ts";
import { MemoryDriver } from "../../../../src/drivers/memory/mod.ts";
import { CallDeadlines } from "../../../../src/grpc/call_deadlines.ts";
import { CallHeads } from "../../../../src/grpc/call_heads.ts";
import type { GrpcConnection } from "../../../../src/grpc/connection.ts";
import type { ClientRequest } from "../../../../src/http2/client_stream.ts";
import { serve } from "../../../../src/net/mod.ts";
import { Oracle } from "../../../../src/server/oracle.ts";
import { ManualClock } from "../../../../src/testing/manual_clock.ts";
import { ioTest } from "../../../_support/levels.ts";
import { until } from "../../../net/_support/until.ts";
import { ANSWERS, MESSAGE } from "./_support/answers.ts";
import { play } from "./_support/scene.ts";
import type { Scene } from "./_support/scene.ts";
import { callsOn } from "./_support/transports.ts";

const NO_MESSAGE = "no message";
const LONG_MS = 20_000;

/** What comes of a direct call. */
type Outcome = readonly ["answer", Uint8Array] | readonly ["fault", unknown] | readonly ["late"];

function ask(
  transport: DirectTransport,
  { timeoutMs = LONG_MS, message = new Uint8Array(0) } = {},
) {
  const outcomes: Outcome[] = [];
  const call = transport.begin({
    method: TsoService.method.getTs,
    message,
    timeoutMs,
    onAnswer: (answer) => void outcomes.push(["answer", answer.slice()]),
    onFault: (error) => void outcomes.push(["fault", error]),
    onLate: () => void outcomes.push(["late"]),
  });
  const settled = () => until("the outcome", () => outcomes.length > 0);
  return { call, outcomes, settled };
}

/** Answers from here on, and has answered. */
async function ready(scene: Scene, timeoutMs = LONG_MS): Promise<DirectTransport> {
  const direct = directOf(scene.channel.transport);
  assert.ok(direct);
  assert.equal(direct.isReady, false);
  scene.answers = true;
  await callsOn(scene.channel).getTs({ count: 3 }, { timeoutMs });
  assert.equal(direct.isReady, true);
  return direct;
}

/** What a call says, in one form for both kinds. A message that is none is left to whoever reads it. */
function readable(outcome: Outcome): unknown {
  if (outcome[0] !== "answer") return textOf(outcome[1]);
  try {
    return fromBinary(GetTsResponseSchema, outcome[1]);
  } catch {
    return NO_MESSAGE;
  }
}

async function resultOf(call: Promise<unknown>): Promise<unknown> {
  try {
    return await call;
  } catch (error) {
    return /parse binary/.test(String(error)) ? NO_MESSAGE : textOf(error);
  }
}

function textOf(error: unknown): string {
  return error instanceof ConnectError ? `${error.code} ${error.rawMessage}` : String(error);
}

ioTest(
  "a direct call sends what a call of the usual kind sends, and gets the bytes of the answer",
  () =>
    play(async (scene) => {
      const direct = await ready(scene, 15_000);
      const message = new Uint8Array([8, 3]);
      for (let call = 0; call < 2; call++) {
        const { outcomes, settled } = ask(direct, { timeoutMs: 15_000, message });
        await settled();
        assert.deepEqual(outcomes, [["answer", MESSAGE]]);
      }
      const [usual, ...others] = scene.heads.map((head) => Object.entries(head));
      assert.equal(others.length, 2);
      for (const other of others) assert.deepEqual(other, usual);
      assert.deepEqual(scene.bodies.slice(1), [scene.bodies[0], scene.bodies[0]]);
    }),
);

ioTest(
  "a direct call that follows another has the message and the deadline of its own",
  () =>
    play(async (scene) => {
      const direct = await ready(scene);
      for (const [count, timeoutMs] of [[1, 20_000], [2, 20_000], [2, 9_999.5]] as const) {
        await ask(direct, { timeoutMs, message: new Uint8Array([8, count]) }).settled();
      }
      const bodies = scene.bodies.slice(1).map((body) => body.at(-1));
      const timeouts = scene.heads.slice(1).map((head) => head["grpc-timeout"]);
      assert.deepEqual(bodies, [1, 2, 2]);
      assert.deepEqual(timeouts, ["20000m", "20000m", "10000m"]);
    }),
);

ioTest(
  "a direct call that is cancelled is reset, and nothing comes of it",
  () =>
    play(async (scene) => {
      const direct = await ready(scene);
      scene.answers = false;
      const { call, outcomes } = ask(direct);
      await until("the request", () => scene.streams.length === 2);
      call.cancel();
      call.cancel();
      await until("the reset", () => scene.streams[1]?.closed === true);
      assert.equal(scene.streams[1]?.rstCode, 8);
      assert.deepEqual(outcomes, []);
    }),
);

ioTest("a direct call that takes too long is reset, and late", () =>
  play(async (scene) => {
    const direct = await ready(scene);
    scene.answers = false;
    const { outcomes, settled } = ask(direct, { timeoutMs: 300 });
    await settled();
    await until("the reset", () => scene.streams[1]?.closed === true);
    assert.deepEqual(outcomes, [["late"]]);
  }));

ioTest(
  "a direct call fails when the connection is closed, and where there is none",
  () =>
    play(async (scene) => {
      const direct = await ready(scene);
      scene.answers = false;
      const cut = ask(direct);
      await until("the request", () => scene.streams.length === 2);
      scene.channel.close();
      await cut.settled();
      for (const [outcome, ...others] of [cut.outcomes, ask(direct).outcomes]) {
        assert.match(String(outcome?.[1]), /the connection was closed/);
        assert.deepEqual(others, []);
      }
    }),
);

Deno.test("a direct call goes out although its connection counts as silent a moment later", () => {
  const requests: ClientRequest[] = [];
  const session = { request: (request: ClientRequest) => void requests.push(request) };
  let looks = 0;
  const connection = {
    get ready() {
      return looks++ === 0 ? session : undefined;
    },
  } as unknown as GrpcConnection;
  const deadlines = new CallDeadlines(new ManualClock());
  const heads = new CallHeads("http://a:1");
  const { call, outcomes } = ask(
    new DirectGrpcTransport({ connection, heads, deadlines, maxAnswerBytes: 1 }),
  );
  assert.deepEqual([requests.length, outcomes], [1, []]);
  call.cancel();
  deadlines.clear();
});

ioTest(
  "a direct call ends as one of the usual kind does, whatever the answer",
  () =>
    play(async (scene) => {
      const direct = await ready(scene);
      for (const name of Object.keys(ANSWERS)) {
        scene.answer = name;
        const { outcomes, settled } = ask(direct);
        await settled();
        const usual = callsOn(scene.channel).getTs({ count: 3 }, { timeoutMs: LONG_MS });
        assert.deepEqual(outcomes.map(readable), [await resultOf(usual)], name);
      }
    }),
);

ioTest(
  "a transport that a user has wrapped makes no direct calls",
  () =>
    play(({ channel: { transport } }) => {
      assert.equal(directOf({ ...transport }), undefined);
      return Promise.resolve();
    }),
);

ioTest("TsoClient.getTs() makes direct calls once it knows who leads", async () => {
  await using oracle = new Oracle({ driver: new MemoryDriver(), heartbeatIntervalMs: 0 });
  await using server = await serve(oracle, { port: 0 });
  let calls = 0;
  const connect = (target: ChannelTarget): Channel => {
    const channel = connectGrpc(target);
    const direct = directOf(channel.transport);
    assert.ok(direct);
    const begin = direct.begin.bind(direct);
    direct.begin = (call) => {
      calls += 1;
      return begin(call);
    };
    return channel;
  };
  await using client = new TsoClient({ endpoints: [server.address], connect });
  const taken: bigint[] = [];
  for (let call = 0; call < 4; call++) taken.push((await client.getTs()).toBigInt());
  assert.equal(calls, 3);
  assert.deepEqual(taken, taken.toSorted((a, b) => Number(a - b)));
});
