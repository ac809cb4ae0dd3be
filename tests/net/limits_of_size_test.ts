// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { create, toBinary } from "@bufbuild/protobuf";
import { GetSeqRequestSchema } from "../../src/gen/tsoracle/v1/tso_pb.ts";
import { ioTest } from "../_support/levels.ts";
import {
  cancel,
  data,
  field,
  frame,
  framesOf,
  H2_ERROR,
  hello,
  openStream,
  settingsAck,
  TYPE,
} from "./_support/h2_frames.ts";
import { grpcCall, grpcGetTs, H2Client } from "./_support/h2_client.ts";
import { recordLogs } from "../_support/logs.ts";
import { RawClient } from "./_support/raw_client.ts";
import { ServerRig } from "./_support/server_rig.ts";
import { soon, until } from "./_support/until.ts";

const GET_TS = "/tsoracle.v1.TsoService/GetTs";
const JSON_HEAD = `POST ${GET_TS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`;
const TOO_LARGE = 65_537;
const GRPC: [string, string][] = [["content-type", "application/grpc"]];

ioTest("serve() refuses a JSON message over 64 KiB by its announced length", async () => {
  await using rig = await ServerRig.start();
  await using client = await RawClient.connect(rig.port);
  client.send(`${JSON_HEAD}Content-Length: ${TOO_LARGE}\r\n\r\n{`);
  assert.match(await client.untilText(/resource_exhausted/), /^HTTP\/1\.1 429 /);
  client.send(" ".repeat(TOO_LARGE - 1));
  client.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  await client.untilText(/ok\n/);
});

ioTest("serve() refuses a JSON message over 64 KiB of unknown length", async () => {
  await using rig = await ServerRig.start();
  await using client = await RawClient.connect(rig.port);
  const half = `8000\r\n${" ".repeat(0x8000)}\r\n`;
  client.send(`${JSON_HEAD}Transfer-Encoding: chunked\r\n\r\n${half}${half}1\r\n \r\n`);
  assert.match(await client.untilText(/resource_exhausted/), /^HTTP\/1\.1 429 /);
  client.send(`${half.repeat(20)}0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n`);
  await client.untilText(/ok\n/);
});

ioTest("serve() refuses a small message that unpacks to a large one", async () => {
  await using rig = await ServerRig.start();
  const zeros = new Blob([new Uint8Array(10_000_000)]).stream();
  const body = await new Response(zeros.pipeThrough(new CompressionStream("gzip"))).arrayBuffer();
  assert(body.byteLength < 65_536);
  const response = await fetch(rig.url(GET_TS), {
    method: "POST",
    headers: { "content-type": "application/json", "content-encoding": "gzip" },
    body,
  });
  assert.equal((await response.json()).code, "resource_exhausted");
});

ioTest(
  "serve() answers a batch whose response is above the limit: its ordinals are taken",
  async () => {
    const entries = Array.from({ length: 8 }, (_, i) => ({ key: `key-${i}`, count: 1 }));
    const json = JSON.stringify({ entries });
    await using rig = await ServerRig.start({ limits: { messageBytes: json.length } });
    const path = "/tsoracle.v1.TsoService/GetSeqBatch";
    const headers = { "content-type": "application/json" };
    const response = await fetch(rig.url(path), { method: "POST", headers, body: json });
    const text = await response.text();
    assert(text.length > json.length);
    assert.equal(response.status, 200);
    assert.equal(JSON.parse(text).grants.length, entries.length);
  },
);

ioTest("serve() answers a gRPC call whose response is above the limit", async () => {
  const request = toBinary(
    GetSeqRequestSchema,
    create(GetSeqRequestSchema, { key: "k", count: 1 }),
  );
  await using rig = await ServerRig.start({ limits: { messageBytes: request.length } });
  await using client = new H2Client(rig.url(""));
  const answer = await client.call(grpcCall("GetSeq", request));
  assert.equal(answer.trailers["grpc-status"], "0");
  assert(answer.body.length - 5 > request.length);
});

ioTest("serve() refuses a gRPC message over 64 KiB, and its connection lives on", async () => {
  await using rig = await ServerRig.start();
  await using client = new H2Client(rig.url(""));
  const { trailers } = await client.call(grpcCall("GetTs", new Uint8Array(TOO_LARGE)));
  assert.equal(trailers["grpc-status"], "8");
  assert.equal((await client.call(grpcGetTs())).trailers["grpc-status"], "0");
});

ioTest("serve() refuses a gRPC message by its announced length, before it has come", async () => {
  await using rig = await ServerRig.start({ limits: { requestTimeoutMs: 100 } });
  await using client = new H2Client(rig.url(""));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(0x7fff_ffff, 1);
  const { trailers, rstCode } = await client.call({ ...grpcGetTs(), body: head, end: false });
  assert.equal(trailers["grpc-status"], "8");
  assert.equal(rstCode, H2_ERROR.none);
});

ioTest("serve() keeps other calls of a connection flowing beside a refused upload", async () => {
  await using rig = await ServerRig.start();
  await using client = new H2Client(rig.url(""));
  const body = Buffer.alloc(300_000);
  body.writeUInt32BE(0x7fff_ffff, 1);
  const upload = client.call({ ...grpcGetTs(), body, end: false });
  for (let i = 0; i < 3; i++) {
    const { trailers } = await soon("an answer", client.call(grpcGetTs()));
    assert.equal(trailers["grpc-status"], "0");
  }
  client.session.destroy();
  assert.equal((await upload).trailers["grpc-status"], "8");
});

ioTest("serve() refuses a message over the limit that was set", async () => {
  await using rig = await ServerRig.start({ limits: { messageBytes: 100 } });
  await using client = new H2Client(rig.url(""));
  const { trailers } = await client.call(grpcCall("GetTs", new Uint8Array(101)));
  assert.equal(trailers["grpc-status"], "8");
});

ioTest("serve() refuses heads over the limit that was set", async () => {
  await using rig = await ServerRig.start({ limits: { headerBytes: 2_000 } });
  const headers = { "x-long": "a".repeat(2_000) };
  const response = await fetch(rig.url("/healthz"), { headers });
  assert.equal(response.status, 431);
  await response.body?.cancel();
  await using client = new H2Client(rig.url(""));
  await client.call(grpcGetTs());
  assert.equal((await client.call({ path: "/healthz", headers })).rstCode, H2_ERROR.calm);
});

ioTest("serve() takes a message of 64 KiB", async () => {
  await using rig = await ServerRig.start();
  const body = '{"count":1}'.padEnd(65_536);
  const headers = { "content-type": "application/json" };
  const response = await fetch(rig.url(GET_TS), { method: "POST", headers, body });
  assert.equal(response.status, 200);
  await response.body?.cancel();
});

for (
  const [name, fields] of [
    ["one long header", `X: ${"a".repeat(16_384)}\r\n`],
    ["many headers", Array.from({ length: 2_000 }, (_, i) => `X${i}: 1234567\r\n`).join("")],
  ] as const
) {
  ioTest(`serve() refuses an HTTP/1.1 head over 16 KiB: ${name}`, async () => {
    await using rig = await ServerRig.start();
    await using client = await RawClient.connect(rig.port);
    client.send(`GET /healthz HTTP/1.1\r\nHost: x\r\n${fields}\r\n`);
    assert.match(await client.untilClosed(), /^HTTP\/1\.1 431 /);
  });
}

ioTest("serve() refuses an HTTP/2 head over 16 KiB, and its connection lives on", async () => {
  await using rig = await ServerRig.start();
  await using client = new H2Client(rig.url(""));
  await client.call(grpcGetTs());
  const headers = { "x-long": "a".repeat(16_384) };
  const { rstCode, headers: answer } = await client.call({ path: "/healthz", headers });
  assert.equal(rstCode, H2_ERROR.calm);
  assert.equal(answer[":status"], undefined);
  assert.equal((await client.call(grpcGetTs())).trailers["grpc-status"], "0");
});

ioTest("serve() ends an HTTP/2 connection whose head has no end", async () => {
  await using rig = await ServerRig.start();
  await using client = await RawClient.connect(rig.port);
  client.send(Buffer.concat([hello(), openStream(1).fill(0, 4, 5)]));
  const more = frame(TYPE.continuation, 0, 1, field("x", "a".repeat(100)));
  client.send(Buffer.concat(Array<Buffer>(2_000).fill(more)));
  await client.untilClosed();
  await rig.untilConnections(0);
});

ioTest("serve() takes heads below 16 KiB", async () => {
  await using rig = await ServerRig.start();
  await using client = new H2Client(rig.url(""));
  const headers = { "x-long": "a".repeat(15_000) };
  const { headers: answer } = await client.call({ path: "/healthz", method: "GET", headers });
  assert.equal(answer[":status"], 200);
  const response = await fetch(rig.url("/healthz"), { headers });
  assert.equal(await response.text(), "ok\n");
});

ioTest(
  "serve() refuses streams over the limit to a client not yet told, and keeps the others",
  async () => {
    await using rig = await ServerRig.start({ limits: { streamsPerConnection: 4 } });
    const gate = rig.holdCalls();
    await using client = await RawClient.connect(rig.port);
    client.send(Buffer.concat([hello(), ...openCalls(6)]));
    const resets = () => framesOf(client.received).filter(({ type }) => type === TYPE.reset);
    await until("two refusals", () => resets().length === 2);
    assert.deepEqual(resets().map(({ stream }) => stream), [9, 11]);
    assert(resets().every(({ payload }) => payload.readUInt32BE() === H2_ERROR.refused));
    gate.open();
    const answered = () => framesOf(client.received).filter(({ type }) => type === TYPE.data);
    await until("four answers", () => answered().length === 4);
  },
);

ioTest("serve() ends a connection that opens more streams than it was told", async () => {
  await using rig = await ServerRig.start({ limits: { streamsPerConnection: 4 } });
  const gate = rig.holdCalls();
  await using client = await RawClient.connect(rig.port);
  client.send(Buffer.concat([hello(), settingsAck()]));
  await until("settings", () => framesOf(client.received).length > 0);
  client.send(Buffer.concat(openCalls(6)));
  await until("GOAWAY", () => framesOf(client.received).some(({ type }) => type === TYPE.goaway));
  gate.open();
  await using other = new H2Client(rig.url(""));
  assert.equal((await other.call(grpcGetTs())).trailers["grpc-status"], "0");
});

ioTest("serve() closes connections over the limit, says so once, and takes the next", async () => {
  await using logs = await recordLogs();
  await using rig = await ServerRig.start({ limits: { connections: 2 } });
  const first = await RawClient.connect(rig.port);
  await using second = await RawClient.connect(rig.port);
  await rig.untilConnections(2);
  for (let i = 0; i < 3; i++) {
    await using excess = await RawClient.connect(rig.port);
    assert.equal(await excess.untilClosed(), "");
  }
  const warnings = logs.records.filter(({ level }) => level === "warning");
  assert.equal(warnings.length, 1);
  assert.equal(warnings[0]?.properties.connections, 2);
  await first[Symbol.asyncDispose]();
  await rig.untilConnections(1);
  await using next = await RawClient.connect(rig.port);
  for (const client of [second, next]) {
    client.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    await client.untilText(/ok\n/);
  }
});

ioTest("serve() ends a connection that resets its streams again and again", async () => {
  await using rig = await ServerRig.start();
  await using client = await RawClient.connect(rig.port);
  client.send(hello());
  for (let i = 0; i < 3_000; i++) {
    const stream = 2 * i + 1;
    client.send(Buffer.concat([openStream(stream, GET_TS, GRPC), cancel(stream)]));
  }
  await until("GOAWAY", () => framesOf(client.received).some(({ type }) => type === TYPE.goaway));
  await using other = new H2Client(rig.url(""));
  assert.equal((await other.call(grpcGetTs())).trailers["grpc-status"], "0");
});

ioTest("serve() ends a connection that floods it with pings", async () => {
  await using rig = await ServerRig.start();
  await using client = await RawClient.connect(rig.port);
  const ping = frame(TYPE.ping, 0, 0, Buffer.alloc(8));
  client.send(Buffer.concat([hello(), ...Array<Buffer>(20_000).fill(ping)]));
  await client.untilClosed();
  await rig.untilConnections(0);
});

/** Calls of GetTs on streams 1, 3, 5 and so on. */
function openCalls(count: number): readonly Buffer[] {
  const { body = Buffer.alloc(0) } = grpcGetTs();
  return Array.from({ length: count }, (_, i) => {
    const stream = 2 * i + 1;
    return Buffer.concat([openStream(stream, GET_TS, GRPC), data(stream, body, true)]);
  });
}
