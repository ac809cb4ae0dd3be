// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { Socket } from "node:net";
import { EDGE } from "../_support/edge.ts";
import { serve } from "../../src/net/serve.ts";
import { makeCertificates } from "../_support/certs.ts";
import { ioTest } from "../_support/levels.ts";
import {
  data,
  frame,
  framesOf,
  H2_ERROR,
  hello,
  openStream,
  PREFACE,
  TYPE,
} from "./_support/h2_frames.ts";
import { grpcGetTs, H2Client } from "./_support/h2_client.ts";
import { RawClient } from "./_support/raw_client.ts";
import { ServerRig } from "./_support/server_rig.ts";
import { soon, until } from "./_support/until.ts";
import { WaitingOracle } from "./_support/waiting_oracle.ts";

const GET_TS = "/tsoracle.v1.TsoService/GetTs";
const WATCH = "/grpc.health.v1.Health/Watch";
const SHORT_MS = 50;
/** Short for a test, and longer than a busy machine takes over a call that is to be answered within it. */
const MODERATE_MS = 1_000;
/** Longer than any wait of a test. */
const LONG_MS = 60_000;
const HEALTH = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";

for (
  const [name, bytes] of [
    ["says nothing", ""],
    ["sends half of HTTP/2's preface", PREFACE.subarray(0, 10)],
  ] as const
) {
  ioTest(`serve() cuts off a client that ${name}`, async () => {
    await using rig = await ServerRig.start({ limits: { handshakeTimeoutMs: SHORT_MS } });
    await using client = await RawClient.connect(rig.port);
    client.send(bytes);
    assert.equal(await client.untilClosed(), "");
    await rig.untilConnections(0);
  });
}

for (
  const [name, bytes] of [
    ["says nothing", ""],
    ["sends half of a hello", Buffer.from("160301020001", "hex")],
  ] as const
) {
  ioTest(`serve() over TLS cuts off a client that ${name}`, async () => {
    const { server: tls } = await makeCertificates();
    await using rig = await ServerRig.start({ tls, limits: { handshakeTimeoutMs: SHORT_MS } });
    await using client = await RawClient.connect(rig.port);
    client.send(bytes);
    await client.untilClosed();
    await rig.untilConnections(0);
  });
}

ioTest("serve() says 408 to half of an HTTP/1.1 head", async () => {
  await using rig = await ServerRig.start({ limits: { requestTimeoutMs: SHORT_MS } });
  await using client = await RawClient.connect(rig.port);
  client.send("GET /healthz HTTP/1.1\r\nHost:");
  assert.match(await client.untilClosed(), /^HTTP\/1\.1 408 /);
});

ioTest("serve() says 408 to half of an HTTP/1.1 body", async () => {
  await using rig = await ServerRig.start({ limits: { requestTimeoutMs: SHORT_MS } });
  await using client = await RawClient.connect(rig.port);
  client.send(
    `POST ${GET_TS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{`,
  );
  const text = await client.untilClosed();
  assert.match(text, /^HTTP\/1\.1 408 [^]*not complete after 50 ms\n$/);
  await rig.untilConnections(0);
});

ioTest(
  "serve() says DEADLINE_EXCEEDED to half of a gRPC message and resets the stream",
  async () => {
    await using rig = await ServerRig.start({ limits: { requestTimeoutMs: MODERATE_MS } });
    await using client = new H2Client(rig.url(""));
    const call = client.call({ ...grpcGetTs(), body: new Uint8Array([0, 0]), end: false });
    const { headers, rstCode } = await soon("the end of the stream", call);
    assert.equal(headers["grpc-status"], "4");
    assert.equal(rstCode, H2_ERROR.none);
    assert.equal((await client.call(grpcGetTs())).trailers["grpc-status"], "0");
  },
);

ioTest("serve() ends a refused upload that does not come to its end", async () => {
  await using rig = await ServerRig.start({ limits: { requestTimeoutMs: SHORT_MS } });
  await using client = await RawClient.connect(rig.port);
  client.send("POST /nope HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nand now I think");
  assert.match(await client.untilClosed(), /^HTTP\/1\.1 404 /);
});

ioTest("serve() resets a stream whose client does not take the answer", async () => {
  await using rig = await ServerRig.start({ limits: { requestTimeoutMs: SHORT_MS } });
  await using client = await RawClient.connect(rig.port);
  const noWindow = Buffer.from([0, 4, 0, 0, 0, 0]);
  client.send(Buffer.concat([PREFACE, frame(TYPE.settings, 0, 0, noWindow)]));
  client.send(Buffer.concat([openStream(1, "/nope"), data(1, Buffer.alloc(0), true)]));
  const isReset = () => framesOf(client.received).some(({ type }) => type === TYPE.reset);
  await until("a reset", isReset);
});

ioTest("serve() closes an HTTP/1.1 connection that idles", async () => {
  await using rig = await ServerRig.start({ limits: { idleTimeoutMs: SHORT_MS } });
  await using client = await RawClient.connect(rig.port);
  client.send(HEALTH);
  assert.match(await client.untilClosed(), /^HTTP\/1\.1 200 [^]*ok\n$/);
});

ioTest("serve() says goodbye to an HTTP/2 connection that idles", async () => {
  await using rig = await ServerRig.start({ limits: { idleTimeoutMs: MODERATE_MS } });
  await using client = new H2Client(rig.url(""));
  await client.call(grpcGetTs());
  await soon("the end of the connection", client.closed);
  assert(client.goaways.length > 0);
  assert(client.goaways.every((code) => code === H2_ERROR.none));
  await rig.untilConnections(0);
});

ioTest("serve() says goodbye to an HTTP/2 connection that never called", async () => {
  await using rig = await ServerRig.start({ limits: { idleTimeoutMs: SHORT_MS } });
  await using client = await RawClient.connect(rig.port);
  client.send(hello());
  await until("GOAWAY", () => framesOf(client.received).some(({ type }) => type === TYPE.goaway));
  // It did not answer the PING that came with it.
  await client.untilClosed();
});

ioTest("serve() lets a call wait longer than any time-out", async () => {
  const oracle = new WaitingOracle();
  const limits = { requestTimeoutMs: 1, idleTimeoutMs: 1 };
  await using server = await serve(oracle, { port: 0, limits, edge: EDGE });
  await using client = await RawClient.connect(server.port);
  const head = `POST ${GET_TS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`;
  // In one write, so that not even these time-outs can come between.
  client.send(`${head}Content-Length: 11\r\n\r\n{"count":1}`);
  await oracle.untilCalls(1);
  for (let i = 0; i < 3; i++) {
    await using other = await RawClient.connect(server.port);
    other.send("GET /healthz HTTP/1.1\r\n");
    await other.untilClosed();
  }
  assert.equal(oracle.signals[0]?.aborted, false);
  await server.close({ graceMs: 0 });
});

ioTest(
  "serve() closes a connection whose client leaves a PING unanswered while it watches",
  async () => {
    const limits = { idleTimeoutMs: SHORT_MS, requestTimeoutMs: SHORT_MS };
    await using rig = await ServerRig.start({ limits });
    await using client = await RawClient.connect(rig.port);
    const grpc: [string, string][] = [["content-type", "application/grpc"]];
    client.send(
      Buffer.concat([hello(), openStream(1, WATCH, grpc), data(1, Buffer.alloc(5), true)]),
    );
    await client.untilClosed();
    assert(framesOf(client.received).some(({ type }) => type === TYPE.ping));
    await rig.untilConnections(0);
  },
);

ioTest("serve() keeps a connection whose client answers each PING while it watches", async () => {
  const limits = { idleTimeoutMs: SHORT_MS, requestTimeoutMs: LONG_MS };
  await using rig = await ServerRig.start({ limits });
  await using client = new H2Client(rig.url(""));
  let pings = 0;
  client.session.on("ping", () => pings++);
  const headers = { "content-type": "application/grpc", te: "trailers" };
  const watch = client.call({ path: WATCH, headers, body: Buffer.alloc(5) });
  await until("three pings", () => pings >= 3);
  assert.equal((await client.call(grpcGetTs())).trailers["grpc-status"], "0");
  await rig.server.close({ graceMs: 0 });
  assert.equal((await watch).trailers["grpc-status"], "14");
});

ioTest(
  "serve() takes a quarter as many watches as connections, and other calls go on",
  async () => {
    await using rig = await ServerRig.start({ limits: { connections: 7 } });
    await using client = new H2Client(rig.url(""));
    const headers = { "content-type": "application/grpc", te: "trailers" };
    const call = { path: WATCH, headers, body: Buffer.alloc(5) };
    const watch = client.call(call);
    const { trailers: refused } = await soon("the refusal", client.call(call));
    assert.equal(refused["grpc-status"], "8");
    assert.match(String(refused["grpc-message"]), /--max-watches/);
    assert.equal((await client.call(grpcGetTs())).trailers["grpc-status"], "0");
    await rig.server.close({ graceMs: 0 });
    assert.equal((await watch).trailers["grpc-status"], "14");
  },
);

ioTest("serve() lets the system ask for a peer that is silent for a minute", async () => {
  const { setKeepAlive } = Socket.prototype;
  const asked: unknown[] = [];
  Socket.prototype.setKeepAlive = function (this: Socket, ...args: never[]) {
    asked.push(args);
    return Reflect.apply(setKeepAlive, this, args);
  } as typeof setKeepAlive;
  try {
    await using rig = await ServerRig.start();
    await using client = await RawClient.connect(rig.port);
    client.send(HEALTH);
    await client.untilText(/ok\n/);
    assert.deepEqual(asked, [[true, 60_000]]);
  } finally {
    Socket.prototype.setKeepAlive = setKeepAlive;
  }
});
