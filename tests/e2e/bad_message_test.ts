// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { GetTsRequestSchema } from "../../src/gen/tsoracle/v1/tso_pb.ts";
import { ioTest } from "../_support/levels.ts";
import { ServerProcess } from "../_support/server_process.ts";
import type { Answer, Exchange } from "./_support/exchange.ts";
import { encode, frame, GET_MAX_SAFE, GET_TS, grpcStatus } from "./_support/grpc_wire.ts";
import { H1Client } from "./_support/h1_client.ts";
import { H2Client } from "./_support/h2_client.ts";
import { ProcessWatch } from "./_support/process_watch.ts";

const MIB = 1_048_576;
const ONE = encode(GetTsRequestSchema, { count: 1 });

/** Zeros that unpack to 40 MB, from fewer bytes than a message may have. */
function bomb(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(gzipSync(new Uint8Array(40_000_000)));
}

/** Zeros that unpack to 100 MB, from more bytes than a message may have. */
function largeBomb(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(gzipSync(new Uint8Array(100_000_000)));
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function hex(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, "hex"));
}

function grpcCall(body: Uint8Array<ArrayBuffer>, more: Record<string, string> = {}): Exchange {
  const headers = { "content-type": "application/grpc", te: "trailers", ...more };
  return { method: "POST", path: GET_TS, headers, body };
}

function textOf({ body }: Answer): string {
  return new TextDecoder().decode(body);
}

/** Runs `body` against a real server and checks that it took no harm. */
async function onServer(body: (server: ServerProcess) => Promise<void>): Promise<void> {
  await using server = await ServerProcess.start();
  const watch = new ProcessWatch(server);
  await body(server);
  await watch.unharmed();
}

/** JSON bodies that are refused, and what the sentence says. */
const BAD_JSON: readonly (readonly [string, RegExp])[] = [
  ["", /JSON/],
  ["{}", /^count must be >= 1$/],
  ['{"count":0}', /^count must be >= 1$/],
  ['{"count":-0}', /^count must be >= 1$/],
  ['{"count":null}', /^count must be >= 1$/],
  ['{"Count":1}', /^count must be >= 1$/],
  ['{"count":262145}', /^invalid count: 262145$/],
  ['{"count":4294967295}', /^invalid count: 4294967295$/],
  ['{"count":4294967296}', /count.*out of range/],
  ['{"count":1e99}', /count.*out of range/],
  ['{"count":-1}', /count.*-1 out of range/],
  ['{"count":1.5}', /count.*1\.5/],
  ['{"count":"-5"}', /count/],
  ['{"count":"five"}', /count.*five/],
  ['{"count":""}', /count/],
  ['{"count":true}', /count.*true/],
  ['{"count":[1]}', /count/],
  ['{"count":{}}', /count/],
  ['{"count":NaN}', /JSON/],
  ['{"count":1', /JSON/],
  ['{"count":1}{"count":1}', /JSON/],
  ['{"count":1,"count":2}', /duplicate/],
  ["[]", /JSON/],
  ["null", /JSON/],
  ["5", /JSON/],
  ["\u0000", /JSON/],
  ["[".repeat(60_000), /JSON/],
  ['{"count":'.repeat(6_000), /JSON/],
];

ioTest("serve says of each bad JSON message what is wrong with it", async () => {
  await onServer(async ({ address }) => {
    using client = new H1Client(`http://${address}`);
    for (const [text, sentence] of BAD_JSON) {
      const headers = { "content-type": "application/json" };
      const answer = await client.call({
        method: "POST",
        path: GET_TS,
        headers,
        body: bytes(text),
      });
      const { code, message } = JSON.parse(textOf(answer));
      assert.deepEqual([answer.status, code], [400, "invalid_argument"], text);
      assert.match(message, sentence);
    }
  });
});

ioTest("serve takes JSON that is odd and yet right", async () => {
  const odd = [
    ['{"count":"5"}', 5],
    ['{"count":5,"colour":"red","nested":{"deep":[1]}}', 5],
    ['{"count":5,"__proto__":{"count":6}}', 5],
    ['{"count":5.0}', 5],
    ['{"count":5e0}', 5],
    [' \n{ "count" :\t5 } ', 5],
  ] as const;
  await onServer(async ({ address }) => {
    using client = new H1Client(`http://${address}`);
    for (const [text, count] of odd) {
      const headers = { "content-type": "application/json; charset=utf-8" };
      const answer = await client.call({
        method: "POST",
        path: GET_TS,
        headers,
        body: bytes(text),
      });
      assert.equal(answer.status, 200, textOf(answer));
      assert.equal(JSON.parse(textOf(answer)).count, count);
    }
  });
});

/** Protobuf of GetTsRequest: bytes, and the sentence of the refusal or nothing if it is a grant. */
const ODD_PROTOBUF: readonly (readonly [string, RegExp | undefined])[] = [
  ["", /count must be >= 1/],
  ["08", /premature EOF/],
  ["0a0161", /./],
  ["08ffffffffffffffffff01", /invalid count: 4294967295/],
  ["08ffffffffffffffffffff01", /varint/],
  ["ffffffff", /./],
  ["0000", /tag/],
  ["0c", /./],
  ["12ffffffff0f", /./],
  ["0b0805", /./],
  // A field of a later version, and a count said twice: the last one holds.
  ["c03e010805", undefined],
  ["08070805", undefined],
];

ioTest("serve refuses protobuf that is none, and takes fields that it does not know", async () => {
  await onServer(async ({ address }) => {
    using client = new H1Client(`http://${address}`);
    for (const [text, sentence] of ODD_PROTOBUF) {
      const headers = { "content-type": "application/proto" };
      const answer = await client.call({ method: "POST", path: GET_TS, headers, body: hex(text) });
      if (sentence === undefined) assert.equal(answer.status, 200, text);
      else assert.match(JSON.parse(textOf(answer)).message, sentence, text);
    }
  });
});

/** A gRPC request that is wrong, and the status that it gets. */
interface BadGrpc {
  readonly name: string;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly headers?: Record<string, string>;
  readonly code: number;
}

function badGrpc(): BadGrpc[] {
  const gzip = { "grpc-encoding": "gzip" };
  const halfGzip = new Uint8Array(gzipSync(ONE).subarray(0, 12));
  const timeout = (value: string) => ({
    name: `a timeout of ${value}`,
    body: frame(ONE),
    headers: { "grpc-timeout": value },
    code: 3,
  });
  return [
    { name: "no message", body: new Uint8Array(), code: 12 },
    { name: "two messages", body: new Uint8Array([...frame(ONE), ...frame(ONE)]), code: 12 },
    { name: "half a prefix", body: new Uint8Array(3), code: 3 },
    { name: "half a message", body: frame(ONE, 0, 100), code: 3 },
    { name: "more than the length says", body: frame(ONE, 0, 1), code: 13 },
    { name: "a length of 4 GiB", body: frame(ONE, 0, 0xffff_ffff), code: 8 },
    { name: "64 KiB and one byte", body: frame(new Uint8Array(65_537)), code: 8 },
    { name: "1 MiB", body: frame(new Uint8Array(MIB)), code: 8 },
    { name: "no protobuf", body: frame(hex("08")), code: 13 },
    { name: "a compressed message of no compression", body: frame(ONE, 1), code: 13 },
    {
      name: "a compression that nobody knows",
      body: frame(ONE, 1),
      headers: { "grpc-encoding": "snappy" },
      code: 12,
    },
    { name: "gzip that is none", body: frame(ONE, 1), headers: gzip, code: 3 },
    { name: "half a gzip", body: frame(halfGzip, 1), headers: gzip, code: 13 },
    { name: "a gzip bomb", body: frame(bomb(), 1), headers: gzip, code: 8 },
    { name: "a large gzip bomb", body: frame(largeBomb(), 1), headers: gzip, code: 8 },
    ...["soon", "-1S", "123456789S", "1", "99999999H"].map(timeout),
  ];
}

ioTest("serve says what is wrong with a gRPC request, and its connection lives on", async () => {
  await onServer(async ({ address }) => {
    await using client = new H2Client(`http://${address}`);
    for (const { name, body, headers, code } of badGrpc()) {
      const status = grpcStatus(await client.call(grpcCall(body, headers)));
      assert.equal(status.code, code, `${name}: ${status.message}`);
      assert.notEqual(status.message, "", name);
    }
  });
});

/** Headers of Connect that are wrong, and the HTTP status that they get. */
const BAD_CONNECT_HEADERS: readonly (readonly [Record<string, string>, number])[] = [
  [{ "connect-timeout-ms": "soon" }, 400],
  [{ "connect-timeout-ms": "-1" }, 400],
  [{ "connect-timeout-ms": "1e3" }, 400],
  [{ "connect-timeout-ms": "9999999999" }, 400],
  [{ "content-encoding": "snappy" }, 501],
  [{ "content-encoding": "gzip" }, 400],
  [{ "content-type": "application/json; charset=utf-16" }, 415],
  [{ "content-type": "application/connect+json" }, 415],
  [{ "content-type": "text/plain" }, 415],
  [{ "content-type": "" }, 415],
];

ioTest("serve says of each bad header of Connect what is wrong with it", async () => {
  await onServer(async ({ address }) => {
    using client = new H1Client(`http://${address}`);
    for (const [more, status] of BAD_CONNECT_HEADERS) {
      const headers = { "content-type": "application/json", ...more };
      const body = bytes('{"count":1}');
      const answer = await client.call({ method: "POST", path: GET_TS, headers, body });
      assert.equal(answer.status, status, Deno.inspect(more));
      assert.notEqual(textOf(answer), "", Deno.inspect(more));
    }
  });
});

ioTest("serve refuses queries that are wrong, as a fault of the one who asks", async () => {
  const queries = [
    "?encoding=xml",
    "?encoding=json&message=%7B",
    "?encoding=json&message=%25&base64=1",
    "?encoding=json&compression=snappy&message=%7B%7D",
    "?encoding=proto&message=%08",
  ];
  await onServer(async ({ address }) => {
    using client = new H1Client(`http://${address}`);
    for (const query of queries) {
      const path = `${GET_MAX_SAFE}${query}`;
      const answer = await client.call({ method: "GET", path, headers: {} });
      assert.ok(answer.status >= 400, query);
      assert.notEqual(textOf(answer), "", query);
    }
  });
});

ioTest("serve does not swell when it is sent bombs and oversized messages", async () => {
  const rounds = 20;
  await using server = await ServerProcess.start();
  const watch = new ProcessWatch(server);
  const bodies = [frame(bomb(), 1), frame(largeBomb(), 1), frame(new Uint8Array(MIB))];
  const attack = async () => {
    await using client = new H2Client(`http://${server.address}`);
    await Promise.all(bodies.map(async (body) => {
      const answer = await client.call(grpcCall(body, { "grpc-encoding": "gzip" }));
      assert.equal(grpcStatus(answer).code, 8);
    }));
  };
  await attack();
  const before = watch.residentBytes;
  for (let round = 0; round < rounds; round++) await attack();
  const grown = watch.residentBytes - before;
  assert.ok(grown < 150 * MIB, `${Math.round(grown / MIB)} MiB more after ${rounds} rounds`);
  await watch.unharmed();
});
