// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { EDGE } from "../_support/edge.ts";
import { ioTest, scaled } from "../_support/levels.ts";
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
import { grpcCall, grpcGetTs, H2Client } from "./_support/h2_client.ts";
import { RawClient } from "./_support/raw_client.ts";
import { ServerRig } from "./_support/server_rig.ts";

const GET_TS = "/tsoracle.v1.TsoService/GetTs";

const BAD_HTTP1: readonly (readonly [string, string | Buffer])[] = [
  ["a method that nobody knows", "BREW / HTTP/1.1\r\nHost: x\r\n\r\n"],
  ["a header without a name", "GET / HTTP/1.1\r\n: x\r\n\r\n"],
  ["a version from the future", "GET / HTTP/9.9\r\nHost: x\r\n\r\n"],
  ["two lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"],
  [
    "length and chunks",
    [
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3",
      "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ].join("\r\n"),
  ],
  ["a length that is none", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"],
];

for (const [name, bytes] of BAD_HTTP1) {
  ioTest(`serve() answers ${name} with 400 and closes`, async () => {
    await using rig = await ServerRig.start();
    await using client = await RawClient.connect(rig.port);
    client.send(bytes);
    assert.match(await client.untilClosed(), /^HTTP\/1\.1 400 Bad Request\r\n/);
    await assertServes(rig);
  });
}

const NO_PROTOCOL: readonly (readonly [string, string | Buffer])[] = [
  ["noise", Buffer.from([0, 255, 13, 10, 13, 10])],
  ["words", "hello, who is there?\r\n\r\n"],
  ["words in place of the preface", "INVALID CONNECTION PREFACE\r\n\r\n"],
  ["a hello of TLS", Buffer.from("160301000501000001000303", "hex")],
  ["SSH", "SSH-2.0-OpenSSH_9.2\r\n"],
  ["a preface that is wrong at its end", Buffer.concat([PREFACE.subarray(0, 20), hello()])],
];

for (const [name, bytes] of NO_PROTOCOL) {
  ioTest(`serve() answers ${name} with a goodbye of HTTP/2 and closes`, async () => {
    await using rig = await ServerRig.start();
    await using client = await RawClient.connect(rig.port);
    client.send(bytes);
    await client.untilClosed();
    const goodbye = framesOf(client.received).find(({ type }) => type === TYPE.goaway);
    const code = goodbye?.payload.readUInt32BE(4);
    if (EDGE === "http2") assert.equal(code, H2_ERROR.protocol);
    else assert.ok(code !== undefined && code !== H2_ERROR.none);
    await assertServes(rig);
  });
}

const BAD_HTTP2: readonly (readonly [string, Buffer])[] = [
  [
    "words behind the preface",
    Buffer.concat([PREFACE, Buffer.from("hello, who is there? ".repeat(9))]),
  ],
  ["a frame that is too long", Buffer.concat([hello(), Buffer.from("ffffff000000000001", "hex")])],
  ["a body without a head", Buffer.concat([hello(), data(1, new Uint8Array(9))])],
  ["an even stream", Buffer.concat([hello(), openStream(2)])],
  [
    "a head that cannot be unpacked",
    Buffer.concat([
      hello(),
      frame(TYPE.headers, 4, 1, Buffer.from("ffffffffffffffff", "hex")),
    ]),
  ],
  [
    "settings of an odd length",
    Buffer.concat([PREFACE, frame(TYPE.settings, 0, 0, Buffer.alloc(5))]),
  ],
];

for (const [name, bytes] of BAD_HTTP2) {
  ioTest(`serve() ends an HTTP/2 connection that sends ${name}`, async () => {
    await using rig = await ServerRig.start({ limits: { idleTimeoutMs: 500 } });
    await using client = await RawClient.connect(rig.port);
    client.send(bytes);
    await client.untilClosed();
    await rig.untilConnections(0);
    await assertServes(rig);
  });
}

ioTest("serve() closes a connection on CONNECT", async () => {
  await using rig = await ServerRig.start();
  await using client = await RawClient.connect(rig.port);
  client.send("CONNECT example.test:1 HTTP/1.1\r\nHost: x\r\n\r\n");
  await client.untilClosed();
  await assertServes(rig);
});

const BAD_MESSAGES: readonly (readonly [string, Uint8Array])[] = [
  ["a message cut short", Buffer.from("000000000508", "hex")],
  ["bytes that are no message", Buffer.from("0000000002ffff", "hex")],
  ["an unknown flag", Buffer.from("7f00000000", "hex")],
  ["a compressed message without a compression", Buffer.from("01000000020801", "hex")],
  ["no message", new Uint8Array()],
  ["two messages", Buffer.from("0000000002080100000000020801", "hex")],
];

for (const [name, body] of BAD_MESSAGES) {
  ioTest(`serve() answers ${name} with a status of gRPC`, async () => {
    await using rig = await ServerRig.start();
    await using client = new H2Client(rig.url(""));
    const { trailers } = await client.call({ ...grpcGetTs(), body });
    assert.match(String(trailers["grpc-status"]), /^(3|12|13)$/);
    assert.notEqual(trailers["grpc-message"], "");
    assert.equal((await client.call(grpcGetTs())).trailers["grpc-status"], "0");
  });
}

ioTest("serve() says UNIMPLEMENTED to gRPC clients of later methods", async () => {
  await using rig = await ServerRig.start();
  await using client = new H2Client(rig.url(""));
  const { headers, rstCode } = await client.call(grpcCall("GetLater", new Uint8Array()));
  assert.equal(headers["grpc-status"], "12");
  assert.match(String(headers["grpc-message"]), /Cannot find/);
  assert.equal(rstCode, 0);
});

ioTest("serve() survives any bytes", async () => {
  await using rig = await ServerRig.start({
    limits: { requestTimeoutMs: 20, handshakeTimeoutMs: 20, idleTimeoutMs: 20 },
  });
  const starts = [
    "",
    hello(),
    `POST ${GET_TS} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`,
  ];
  const noise = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 4 });
  const property = fc.asyncProperty(fc.constantFrom(...starts), noise, async (start, parts) => {
    await using client = await RawClient.connect(rig.port);
    client.send(start);
    for (const part of parts) client.send(part);
    await client.finish();
  });
  await fc.assert(property, { numRuns: scaled(100, 5_000) });
  await rig.untilConnections(0);
  await assertServes(rig);
});

async function assertServes(rig: ServerRig): Promise<void> {
  const response = await fetch(rig.url(GET_TS), {
    method: "POST",
    headers: { "content-type": "application/json", connection: "close" },
    body: '{"count":1}',
  });
  assert.equal((await response.json()).count, 1);
}
