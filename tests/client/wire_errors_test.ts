// SPDX-License-Identifier: Apache-2.0

import { Code, ConnectError, createRouterTransport } from "@connectrpc/connect";
import type { ServiceImpl } from "@connectrpc/connect";
import assert from "node:assert/strict";
import type { ConnectChannel, ConnectTransport } from "../../src/client/channels/channel.ts";
import { SeqUncertainError } from "../../src/client/errors.ts";
import { LeaderCaller } from "../../src/client/leader/leader_caller.ts";
import { resolveClientOptions } from "../../src/client/settings.ts";
import { TsoService } from "../../src/gen/tsoracle/v1/tso_pb.ts";
import { leaderHintMetadata } from "../../src/rpc/leader_hint.ts";

// The errors here have been through the reader of a real transport of Connect, headers and all.

type Methods = Partial<ServiceImpl<typeof TsoService>>;

function channelsTo(servers: Readonly<Record<string, Methods>>): ConnectChannel {
  return ({ origin }) => {
    const methods = servers[origin.replace("http://", "")] ?? {};
    const transport = createRouterTransport(({ service }) => void service(TsoService, methods));
    return { transport: transport as unknown as ConnectTransport, close: () => {} };
  };
}

function callerOf(servers: Readonly<Record<string, Methods>>): LeaderCaller {
  const options = { endpoints: ["a:1"], retry: { baseBackoffMs: 1 }, random: () => 0 };
  return new LeaderCaller(resolveClientOptions(options, channelsTo(servers)));
}

const CALL = { signal: new AbortController().signal, timeoutMs: 10_000 };
const LEADER: Methods = {
  getTs: ({ count }) => ({ physicalMs: 7n, count, epochLo: 2n }),
  getSeq: ({ key, count }) => ({ key, count, start: 3n, epoch: { hi: 0n, lo: 2n } }),
};

function fail(error: ConnectError): Methods {
  const method = () => Promise.reject(error);
  return { getTs: method, getSeq: method };
}

function notLeader(hint: Parameters<typeof leaderHintMetadata>[0]): Methods {
  return fail(new ConnectError("not leader", Code.FailedPrecondition, leaderHintMetadata(hint)));
}

Deno.test("LeaderCaller follows a hint that came through a transport of Connect", async () => {
  const leaderEndpoint = { host: "b", port: 1 };
  const caller = callerOf({ "a:1": notLeader({ leaderEndpoint, leaderEpoch: 2n }), "b:1": LEADER });
  assert.deepEqual(await caller.getTs(3, CALL), {
    physicalMs: 7,
    logicalStart: 0,
    count: 3,
    epoch: 2n,
  });
  assert.equal(caller.cachedLeader, "b:1");
});

Deno.test("LeaderCaller.getSeq() rides out an election that came through a transport of Connect", async () => {
  const empty = notLeader({ leaderEndpoint: undefined, leaderEpoch: undefined });
  let turns = 0;
  const getSeq: Methods["getSeq"] = (request, context) =>
    (++turns < 3 ? empty : LEADER).getSeq?.(request, context) ?? {};
  const caller = callerOf({ "a:1": { getSeq } });
  assert.equal((await caller.getSeq({ key: "k", count: 2 }, CALL)).start, 3n);
  assert.equal(turns, 3);
});

for (const code of [Code.InvalidArgument, Code.ResourceExhausted, Code.FailedPrecondition]) {
  Deno.test(`LeaderCaller.getSeq() believes ${Code[code]} of a server behind a transport of Connect`, async () => {
    const caller = callerOf({ "a:1": fail(new ConnectError("no", code)) });
    const asked = caller.getSeq({ key: "k", count: 2 }, CALL);
    await assert.rejects(asked, (error) => !(error instanceof SeqUncertainError));
  });
}

for (const code of [Code.Unavailable, Code.Internal, Code.Aborted]) {
  Deno.test(`LeaderCaller.getSeq() is in doubt after ${Code[code]} of a server behind a transport of Connect`, async () => {
    const caller = callerOf({ "a:1": fail(new ConnectError("no", code)) });
    await assert.rejects(caller.getSeq({ key: "k", count: 2 }, CALL), SeqUncertainError);
  });
}

Deno.test("LeaderCaller.getSeq() believes a server that does not know the method", async () => {
  const caller = callerOf({ "a:1": {} });
  const expected = { name: "TsoClientError", code: "refused", status: "UNIMPLEMENTED" };
  await assert.rejects(caller.getSeq({ key: "k", count: 2 }, CALL), expected);
});
