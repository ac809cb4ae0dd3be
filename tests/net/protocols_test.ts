// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { fromBinary } from "@bufbuild/protobuf";
import { GetTsResponseSchema } from "../../src/gen/tsoracle/v1/tso_pb.ts";
import { settle } from "../../src/testing/manual_clock.ts";
import { ioTest } from "../_support/levels.ts";
import { data, FLAG, framesOf, hello, openStream, PREFACE, TYPE } from "./_support/h2_frames.ts";
import { grpcGetTs, H2Client } from "./_support/h2_client.ts";
import { RawClient } from "./_support/raw_client.ts";
import { ServerRig } from "./_support/server_rig.ts";
import { until } from "./_support/until.ts";

const GET_TS = "/tsoracle.v1.TsoService/GetTs";
const MAX_SAFE = "/tsoracle.v1.TsoService/GetCurrentMaxSafe";
const JSON_CALL = {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: '{"count":2}',
} as const;

ioTest("serve() answers JSON over HTTP/1.1", async () => {
  await using rig = await ServerRig.start();
  const response = await fetch(rig.url(GET_TS), JSON_CALL);
  assert.equal((await response.json()).count, 2);
});

ioTest("serve() answers gRPC over HTTP/2 with its status in the trailers", async () => {
  await using rig = await ServerRig.start();
  await using client = new H2Client(rig.url(""));
  const { headers, trailers, body, rstCode } = await client.call(grpcGetTs(2));
  assert.equal(headers[":status"], 200);
  assert.equal(headers["content-type"], "application/grpc+proto");
  assert.equal(trailers["grpc-status"], "0");
  assert.equal(fromBinary(GetTsResponseSchema, body.subarray(5)).count, 2);
  assert.equal(rstCode, 0);
});

ioTest("serve() sends the leader hint as a trailer of gRPC, byte for byte", async () => {
  await using rig = await ServerRig.start();
  await using client = new H2Client(rig.url(""));
  rig.node.driver.announce({
    kind: "follower",
    leaderEndpoint: { host: "10.0.0.7", port: 50551 },
    leaderEpoch: 42n,
  });
  await settle();
  const { headers, trailers, body } = await client.call(grpcGetTs());
  assert.equal(trailers["grpc-status"], "9");
  assert.equal(trailers["grpc-message"], "not leader");
  assert.equal(trailers["tsoracle-leader-hint-bin"], "Cg4xMC4wLjAuNzo1MDU1MRICECo");
  assert.equal(headers["tsoracle-leader-hint-bin"], undefined);
  assert.equal(body.length, 0);
});

ioTest("serve() sends an empty leader hint over gRPC rather than none", async () => {
  await using rig = await ServerRig.start();
  await using client = new H2Client(rig.url(""));
  rig.node.driver.announce({ kind: "unknown" });
  await settle();
  const { trailers } = await client.call(grpcGetTs());
  assert.equal(trailers["tsoracle-leader-hint-bin"], "");
});

ioTest("serve() sends the leader hint of a JSON call as a header", async () => {
  await using rig = await ServerRig.start();
  rig.node.driver.announce({ kind: "follower", leaderEpoch: 7n });
  await settle();
  const response = await fetch(rig.url(GET_TS), JSON_CALL);
  assert.equal(response.status, 400);
  assert.equal(response.headers.get("tsoracle-leader-hint-bin"), "EgIQBw");
  await response.body?.cancel();
});

ioTest("serve() answers a bare GET of the safe point on either protocol", async () => {
  await using rig = await ServerRig.start();
  await using client = new H2Client(rig.url(""));
  const response = await fetch(rig.url(MAX_SAFE));
  const { body } = await client.call({ path: MAX_SAFE, method: "GET" });
  assert.deepEqual(JSON.parse(body.toString()), await response.json());
});

ioTest("serve() knows HTTP/2 by its preface also if that comes byte by byte", async () => {
  await using rig = await ServerRig.start();
  await using client = await RawClient.connect(rig.port);
  for (const byte of hello()) {
    client.send(new Uint8Array([byte]));
    await settle();
  }
  await until("settings", () => framesOf(client.received)[0]?.type === TYPE.settings);
});

ioTest("serve() answers what begins like HTTP/2 and is not with a goodbye", async () => {
  await using rig = await ServerRig.start();
  await using client = await RawClient.connect(rig.port);
  client.send(PREFACE.subarray(0, 16));
  // A round trip, so that the server has seen the first part alone.
  await fetch(rig.url("/healthz")).then((response) => response.text());
  client.send("and now for something else\r\n\r\n");
  await client.untilClosed();
  assert.ok(framesOf(client.received).some(({ type }) => type === TYPE.goaway));
});

ioTest("serve() keeps an HTTP/1.1 connection for the next request", async () => {
  await using rig = await ServerRig.start();
  await using client = await RawClient.connect(rig.port);
  client.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  await client.untilText(/ok\n/);
  client.send("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
  await client.untilText(/ok: serving\n/);
  assert.equal(rig.server.connections, 1);
});

ioTest("serve() answers requests sent ahead in their order", async () => {
  await using rig = await ServerRig.start();
  await using client = await RawClient.connect(rig.port);
  client.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /nope HTTP/1.1\r\nHost: x\r\n\r\n");
  const text = await client.untilText(/Cannot find \/nope/);
  assert(text.indexOf("ok\n") < text.indexOf("Cannot find"));
});

ioTest("serve() answers HTTP/1.0 without a host and closes", async () => {
  await using rig = await ServerRig.start();
  await using client = await RawClient.connect(rig.port);
  client.send("GET /healthz HTTP/1.0\r\n\r\n");
  assert.match(await client.untilClosed(), /^HTTP\/1\.1 200 [^]*ok\n$/);
});

for (
  const [name, head] of [
    ["a target that is a URL", "GET http://example.test/healthz HTTP/1.1\r\nHost: x"],
    ["a host that is none", "GET /healthz HTTP/1.1\r\nHost: ["],
    [
      "an offer to upgrade to HTTP/2",
      [
        "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings",
        "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
      ].join("\r\n"),
    ],
  ] as const
) {
  ioTest(`serve() answers a request with ${name}`, async () => {
    await using rig = await ServerRig.start();
    await using client = await RawClient.connect(rig.port);
    client.send(`${head}\r\n\r\n`);
    assert.match(await client.untilText(/ok\n/), /^HTTP\/1\.1 200 /);
  });
}

ioTest("serve() refuses a target that is no path", async () => {
  await using rig = await ServerRig.start();
  await using client = await RawClient.connect(rig.port);
  client.send("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n");
  assert.match(await client.untilText(/use a path/), /^HTTP\/1\.1 400 /);
});

ioTest("serve() answers a compressed request", async () => {
  await using rig = await ServerRig.start();
  const gzip = new Blob(['{"count":3}']).stream().pipeThrough(new CompressionStream("gzip"));
  const response = await fetch(rig.url(GET_TS), {
    method: "POST",
    headers: { "content-type": "application/json", "content-encoding": "gzip" },
    body: await new Response(gzip).arrayBuffer(),
  });
  assert.equal((await response.json()).count, 3);
});

ioTest("serve() ends HTTP/2 answers on the stream, not the connection", async () => {
  await using rig = await ServerRig.start();
  await using client = await RawClient.connect(rig.port);
  client.send(Buffer.concat([hello(), openStream(1, "/healthz"), data(1, new Uint8Array(), true)]));
  const isEnd = ({ flags, stream }: { flags: number; stream: number }) =>
    stream === 1 && (flags & FLAG.endStream) !== 0;
  await until("the end of the stream", () => framesOf(client.received).some(isEnd));
  client.send(Buffer.concat([openStream(3, "/healthz"), data(3, new Uint8Array(), true)]));
  await until("another answer", () => framesOf(client.received).some(({ stream }) => stream === 3));
});
