// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { EDGE } from "../_support/edge.ts";
import { serve } from "../../src/net/serve.ts";
import { ioTest } from "../_support/levels.ts";
import { cancel, data, hello, openStream } from "./_support/h2_frames.ts";
import { grpcGetTs } from "./_support/h2_client.ts";
import { RawClient } from "./_support/raw_client.ts";
import { until } from "./_support/until.ts";
import { WaitingOracle } from "./_support/waiting_oracle.ts";

const GET_TS = "/tsoracle.v1.TsoService/GetTs";
const HTTP1_CALL = `POST ${GET_TS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n` +
  'Content-Length: 11\r\n\r\n{"count":1}';

/** A client's way of leaving, with one call open on stream 1. */
type Leave = (client: RawClient) => void | Promise<void>;

const WAYS: readonly (readonly [string, Buffer, Leave])[] = [
  ["an HTTP/1.1 client that closes", Buffer.from(HTTP1_CALL), close],
  ["an HTTP/1.1 client that resets", Buffer.from(HTTP1_CALL), (client) => client.reset()],
  ["an HTTP/2 client that cancels its stream", http2Call(), (client) => client.send(cancel(1))],
  ["an HTTP/2 client that closes", http2Call(), close],
  ["an HTTP/2 client that resets", http2Call(), (client) => client.reset()],
];

for (const [name, call, leave] of WAYS) {
  ioTest(`serve() drops the wait of ${name}`, async () => {
    const oracle = new WaitingOracle();
    await using server = await serve(oracle, { port: 0, edge: EDGE });
    await using client = await RawClient.connect(server.port);
    client.send(call);
    await oracle.untilCalls(1);
    assert.equal(oracle.signals[0]?.aborted, false);
    await leave(client);
    await oracle.untilAllGone();
  });
}

ioTest("serve() drops all waits of an HTTP/2 connection that is cut", async () => {
  const oracle = new WaitingOracle();
  await using server = await serve(oracle, { port: 0, edge: EDGE });
  await using client = await RawClient.connect(server.port);
  const streams = Array.from({ length: 200 }, (_, i) => call(2 * i + 1));
  client.send(Buffer.concat([hello(), ...streams]));
  await oracle.untilCalls(200);
  client.reset();
  await oracle.untilAllGone();
  await until("no connection", () => server.connections === 0);
});

ioTest(
  "serve() drops all waits of an HTTP/1.1 connection whose requests were sent ahead",
  async () => {
    const oracle = new WaitingOracle();
    await using server = await serve(oracle, { port: 0, edge: EDGE });
    await using client = await RawClient.connect(server.port);
    client.send(HTTP1_CALL.repeat(5));
    await oracle.untilCalls(5);
    client.reset();
    await oracle.untilAllGone();
  },
);

function http2Call(): Buffer {
  return Buffer.concat([hello(), call(1)]);
}

function call(stream: number): Buffer {
  const { body = Buffer.alloc(0) } = grpcGetTs();
  return Buffer.concat([
    openStream(stream, GET_TS, [["content-type", "application/grpc"]]),
    data(stream, body, true),
  ]);
}

async function close(client: RawClient): Promise<void> {
  await client[Symbol.asyncDispose]();
}
