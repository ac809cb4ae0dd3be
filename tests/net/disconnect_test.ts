// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { ioTest, scaled } from "../_support/levels.ts";
import { ChildServer } from "./_support/child_server.ts";
import { cancel, data, hello, openStream } from "./_support/h2_frames.ts";
import { grpcGetTs, H2Client } from "./_support/h2_client.ts";
import { RawClient } from "./_support/raw_client.ts";

const GET_TS = "/tsoracle.v1.TsoService/GetTs";
const GRPC: [string, string][] = [["content-type", "application/grpc"]];
const HTTP1_CALL = `POST ${GET_TS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n` +
  'Content-Length: 11\r\n\r\n{"count":1}';
const CALLS_PER_CLIENT = 40;
const CONNECTIONS_PER_ROUND = 13;
/** What Deno keeps of each HTTP/2 connection that there ever was, twice over. */
const KEPT_BYTES = { heap: 12_000, rss: 60_000 } as const;
/** What a busy process takes from the system and returns later. */
const SLACK_BYTES = { heap: 5_000_000, rss: 250_000_000 } as const;

/** Calls and then leaves, in a way of its own. */
type Client = (port: number) => Promise<void>;

const CLIENTS: readonly Client[] = [
  leavePolitely,
  leaveAmidCalls,
  leaveWithReset,
  cancelEveryCall,
  leaveAmidUpload,
  leaveAmidAnswers,
];

ioTest("serve() survives thousands of calls and polite and rude disconnects", async () => {
  await using server = await ChildServer.start();
  for (const client of CLIENTS) await client(server.port);
  const before = await server.costs();

  const rounds = Math.ceil(scaled(2_000, 50_000) / (CALLS_PER_CLIENT * CLIENTS.length));
  for (let round = 0; round < rounds; round++) {
    await Promise.all(CLIENTS.map((client) => client(server.port)));
  }

  await leavePolitely(server.port);
  let after = await server.costs();
  for (let looks = 0; after.connections > 0 && looks < 1_000; looks++) after = await server.costs();
  assert.equal(after.connections, 0);
  const connections = rounds * CONNECTIONS_PER_ROUND;
  const grown = {
    heap: after.heapBytes - before.heapBytes,
    rss: after.rssBytes - before.rssBytes,
  };
  for (const kind of ["heap", "rss"] as const) {
    const limit = SLACK_BYTES[kind] + connections * KEPT_BYTES[kind];
    assert(grown[kind] < limit, `${kind} grew by ${grown[kind]} bytes, more than ${limit}`);
  }
  assert.equal(await server.stop(), 0);
});

ioTest("serve() keeps nothing of connections that said nothing", async () => {
  await using server = await ChildServer.start();
  await knock(server.port, 200);
  const before = await server.costs();
  await knock(server.port, 1_000);
  const after = await server.costs();
  const grown = after.heapBytes - before.heapBytes;
  assert(grown < 1_000_000, `the heap grew by ${grown} bytes`);
});

async function knock(port: number, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    await using client = await RawClient.connect(port);
    if (i % 2 === 0) client.reset();
  }
}

async function leavePolitely(port: number): Promise<void> {
  await using client = new H2Client(`http://127.0.0.1:${port}`);
  for (let i = 0; i < CALLS_PER_CLIENT; i++) {
    assert.equal((await client.call(grpcGetTs())).trailers["grpc-status"], "0");
  }
  client.session.close();
  await client.closed;
}

async function leaveAmidCalls(port: number): Promise<void> {
  const client = new H2Client(`http://127.0.0.1:${port}`);
  const calls = Array.from({ length: CALLS_PER_CLIENT }, () => client.call(grpcGetTs()));
  await calls[0];
  await client[Symbol.asyncDispose]();
  await Promise.all(calls);
}

async function leaveWithReset(port: number): Promise<void> {
  await using client = await RawClient.connect(port);
  client.send(Buffer.concat([hello(), ...openCalls()]));
  await client.untilText(/./);
  client.reset();
}

async function cancelEveryCall(port: number): Promise<void> {
  await using client = await RawClient.connect(port);
  client.send(hello());
  openCalls().forEach((call, i) => client.send(Buffer.concat([call, cancel(2 * i + 1)])));
  await client.untilText(/./);
}

async function leaveAmidUpload(port: number): Promise<void> {
  for (let i = 0; i < 4; i++) {
    await using http1 = await RawClient.connect(port);
    http1.send(HTTP1_CALL.slice(0, -5));
    await using http2 = await RawClient.connect(port);
    http2.send(Buffer.concat([hello(), openStream(1, GET_TS, GRPC), data(1, Buffer.alloc(3))]));
    await http2.untilText(/./);
    if (i % 2 === 0) http1.reset();
    else http2.reset();
  }
}

async function leaveAmidAnswers(port: number): Promise<void> {
  await using client = await RawClient.connect(port);
  client.send(HTTP1_CALL.repeat(CALLS_PER_CLIENT));
  await client.untilText(/"count":1/);
  client.reset();
}

function openCalls(): readonly Buffer[] {
  const { body = Buffer.alloc(0) } = grpcGetTs();
  return Array.from({ length: CALLS_PER_CLIENT }, (_, i) => {
    const stream = 2 * i + 1;
    return Buffer.concat([openStream(stream, GET_TS, GRPC), data(stream, body, true)]);
  });
}
