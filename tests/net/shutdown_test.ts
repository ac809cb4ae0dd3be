// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { EDGE } from "../_support/edge.ts";
import { PermanentError } from "../../src/consensus/errors.ts";
import { serve } from "../../src/net/serve.ts";
import { settle } from "../../src/testing/manual_clock.ts";
import { lastingPort, onceFree } from "../_support/lasting_port.ts";
import { ioTest } from "../_support/levels.ts";
import { grpcGetTs, H2Client } from "./_support/h2_client.ts";
import { FLAG, frame, framesOf, H2_ERROR, hello, settingsAck, TYPE } from "./_support/h2_frames.ts";
import { holdTimer } from "./_support/hold_timer.ts";
import { wholeCall } from "./_support/hostile_peers.ts";
import { RawClient } from "./_support/raw_client.ts";
import { ServerRig } from "./_support/server_rig.ts";
import { soon, until } from "./_support/until.ts";
import { WaitingOracle } from "./_support/waiting_oracle.ts";

const GET_TS = "/tsoracle.v1.TsoService/GetTs";
const HOUR_MS = 3_600_000;
const HTTP1_CALL = `POST ${GET_TS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n` +
  'Content-Length: 11\r\n\r\n{"count":1}';

ioTest("close() lets a slow call over HTTP/2 finish, after GOAWAY", async () => {
  await using rig = await ServerRig.start();
  const calls = rig.holdCalls();
  await using client = new H2Client(rig.url(""));
  const slow = client.call(grpcGetTs());
  await calls.untilHeld();
  const closed = rig.server.close();
  await until("GOAWAY", () => client.goaways.length > 0);
  assert(client.goaways.every((code) => code === H2_ERROR.none));
  assert.equal(rig.server.connections, 1);
  calls.open();
  const { trailers, rstCode } = await slow;
  assert.equal(trailers["grpc-status"], "0");
  assert.equal(rstCode, 0);
  assert.deepEqual(await soon("the close", closed), { kind: "closed" });
});

ioTest("close() still answers what an HTTP/2 client sent before it knew", async () => {
  await using rig = await ServerRig.start({ edge: "http2" });
  await using client = await RawClient.connect(rig.port);
  client.send(Buffer.concat([hello(), settingsAck()]));
  const framesOfType = (wanted: number) =>
    framesOf(client.received).filter(({ type }) => type === wanted);
  await until("the settings", () => framesOfType(TYPE.settings).length > 1);
  const closed = rig.server.close();
  await until("GOAWAY", () => framesOfType(TYPE.goaway).length > 0);
  client.send(wholeCall(0));
  await until("an answer", () => framesOfType(TYPE.headers).length === 2);
  for (const { payload } of framesOfType(TYPE.ping)) {
    client.send(frame(TYPE.ping, FLAG.ack, 0, payload));
  }
  await client.untilClosed();
  const last = framesOfType(TYPE.goaway).map(({ payload }) => payload.readUInt32BE());
  assert.deepEqual(last, [0x7fff_ffff, 1]);
  assert.deepEqual(await soon("the close", closed), { kind: "closed" });
});

ioTest("close() does not wait for an HTTP/2 client that sleeps", async () => {
  const limits = { requestTimeoutMs: HOUR_MS };
  await using rig = await ServerRig.start({ edge: "http2", shutdownGraceMs: HOUR_MS, limits });
  await using client = await RawClient.connect(rig.port);
  client.send(Buffer.concat([hello(), settingsAck()]));
  const settings = () => framesOf(client.received).filter(({ type }) => type === TYPE.settings);
  await until("the settings", () => settings().length > 1);
  client.sleep();
  assert.deepEqual(await soon("the close", rig.server.close()), { kind: "closed" });
});

ioTest("close() lets a slow call over HTTP/1.1 finish, with Connection: close", async () => {
  await using rig = await ServerRig.start({ port: lastingPort() });
  const calls = rig.holdCalls();
  await using client = await RawClient.connect(rig.port);
  client.send(HTTP1_CALL);
  await calls.untilHeld();
  const closed = rig.server.close();
  await refused(rig.port);
  calls.open();
  const text = await client.untilClosed();
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(text, /^connection: close\r$/im);
  assert.match(text, /"count":1/);
  await soon("the close", closed);
});

ioTest("close() ends a stuck call with UNAVAILABLE after the grace", async () => {
  const oracle = new WaitingOracle();
  await using server = await serve(oracle, { port: 0, shutdownGraceMs: 50, edge: EDGE });
  await using http2 = new H2Client(`http://${server.address}`);
  await using http1 = await RawClient.connect(server.port);
  const stuck = http2.call(grpcGetTs());
  http1.send(HTTP1_CALL);
  await oracle.untilCalls(2);
  const closed = server.close();
  const { trailers } = await soon("the answer", stuck);
  assert.equal(trailers["grpc-status"], "14");
  assert.equal(trailers["grpc-message"], "server is shutting down");
  const text = await http1.untilClosed();
  assert.match(text, /^HTTP\/1\.1 503 [^]*"server is shutting down"/);
  await soon("the close", closed);
});

ioTest("close() ends within its bound when a call does not heed anything", async () => {
  const oracle = new WaitingOracle({ heedsSignals: false });
  await using server = await serve(oracle, { port: 0, shutdownGraceMs: 10, edge: EDGE });
  await using client = new H2Client(`http://${server.address}`);
  const deaf = client.call(grpcGetTs());
  await oracle.untilCalls(1);
  await soon("the close", server.close());
  assert.equal(server.connections, 0);
  await soon("the end of the call", deaf);
});

ioTest("close() with a grace of 0 waits for nothing", async () => {
  const oracle = new WaitingOracle();
  await using server = await serve(oracle, { port: 0, shutdownGraceMs: 3_600_000, edge: EDGE });
  await using client = new H2Client(`http://${server.address}`);
  const stuck = client.call(grpcGetTs());
  await oracle.untilCalls(1);
  await soon("the close", server.close({ graceMs: 0 }));
  assert.equal((await stuck).trailers["grpc-status"], "14");
});

ioTest("close() closes connections that wait for nothing, whatever they speak", async () => {
  await using rig = await ServerRig.start();
  await using http2 = new H2Client(rig.url(""));
  await http2.call(grpcGetTs());
  await using http1 = await RawClient.connect(rig.port);
  http1.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  await http1.untilText(/ok\n/);
  await using silent = await RawClient.connect(rig.port);
  await rig.untilConnections(3);
  await soon("the close", rig.server.close());
  await http1.untilClosed();
  await silent.untilClosed();
  await soon("the end of the session", http2.closed);
});

ioTest("close() ends readiness at once, and accepts through the lame-duck time", async () => {
  await using rig = await ServerRig.start({ port: lastingPort(), lameDuckMs: HOUR_MS });
  using lameDuck = holdTimer(HOUR_MS);
  const closed = rig.server.close();
  const probe = await fetch(rig.url("/readyz"), { headers: { connection: "close" } });
  assert.equal(probe.status, 503);
  assert.match(await probe.text(), /shutting down/);
  const call = await fetch(rig.url(GET_TS), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"count":1}',
  });
  assert.equal((await call.json()).count, 1);
  lameDuck.fire();
  await soon("the close", closed);
  await refused(rig.port);
});

ioTest("close() returns one promise to all who call it, also later", async () => {
  await using rig = await ServerRig.start();
  const first = rig.server.close();
  const second = rig.server.close({ graceMs: 0 });
  assert.equal(second, first);
  assert.deepEqual(await first, { kind: "closed" });
  assert.equal(rig.server.close(), first);
  assert.deepEqual(await rig.server.finished, { kind: "closed" });
});

ioTest("close() leaves the oracle to its owner", async () => {
  await using rig = await ServerRig.start();
  await rig.server.close();
  assert.equal(rig.node.oracle.isServing, true);
});

ioTest("close() frees the port", async () => {
  await using rig = await ServerRig.start({ port: lastingPort() });
  await rig.server.close();
  const serveAgain = () => serve(rig.node.oracle, { port: rig.port, edge: EDGE });
  await using again = await onceFree(serveAgain);
  assert.equal(again.port, rig.port);
});

ioTest("serve() closes by itself when its oracle has failed, and says why", async () => {
  await using rig = await ServerRig.start({ port: lastingPort() });
  await using client = new H2Client(rig.url(""));
  await client.call(grpcGetTs());
  const error = new PermanentError("the engine is gone");
  rig.node.driver.failStream(error);
  await settle();
  const end = await soon("the end", rig.server.finished);
  assert.deepEqual(end, { kind: "oracle-failed", error });
  await refused(rig.port);
});

ioTest("serve() answers not-leader while its failed oracle is being closed", async () => {
  await using rig = await ServerRig.start();
  const calls = rig.holdCalls();
  await using client = new H2Client(rig.url(""));
  const waiting = client.call(grpcGetTs());
  await calls.untilHeld();
  rig.node.driver.failStream(new PermanentError("the engine is gone"));
  assert.equal((await soon("the answer", waiting)).trailers["grpc-status"], "9");
  calls.open();
  await soon("the end", rig.server.finished);
});

ioTest("serve() goes on answering not-leader when its oracle was closed", async () => {
  await using rig = await ServerRig.start();
  await rig.node.oracle.close();
  await using client = new H2Client(rig.url(""));
  assert.equal((await client.call(grpcGetTs())).trailers["grpc-status"], "9");
  const probe = await fetch(rig.url("/readyz"), { headers: { connection: "close" } });
  assert.equal(probe.status, 503);
  await probe.body?.cancel();
});

/** Waits until nobody listens on the port. */
async function refused(port: number): Promise<void> {
  let isRefused = false;
  while (!isRefused) {
    await RawClient.connect(port).then(
      (client) => client[Symbol.asyncDispose](),
      () => isRefused = true,
    );
  }
}
