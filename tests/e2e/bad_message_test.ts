// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { GetTsRequestSchema } from "../../src/gen/tsoracle/v1/tso_pb.ts";
import { ioTest } from "../_support/levels.ts";
import { ServerProcess } from "../_support/server_process.ts";
import type { Answer } from "./_support/exchange.ts";
import { encode, frame, GET_MAX_SAFE, GET_TS, grpcStatus } from "./_support/grpc_wire.ts";
import { H1Client } from "./_support/h1_client.ts";
import { H2Client } from "./_support/h2_client.ts";
import { ProcessWatch } from "./_support/process_watch.ts";

const MIB = 1_048_576;
const ONE = encode(GetTsRequestSchema, { count: 1 });
const ONE_PACKED = new Uint8Array(gzipSync(ONE));
/** 100 MB of zeros in less than 100 kB, and 40 MB in less than a message may have. */
const LARGE_BOMB = new Uint8Array(gzipSync(new Uint8Array(100_000_000)));
const BOMB = new Uint8Array(gzipSync(new Uint8Array(40_000_000)));

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function hex(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, "hex"));
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

/** gRPC requests that are wrong, their headers, and the status they get. */
const BAD_GRPC:
  readonly (readonly [string, Uint8Array<ArrayBuffer>, Record<string, string>, number])[] = [
    ["no message", new Uint8Array(), {}, 12],
    ["two messages", new Uint8Array([...frame(ONE), ...frame(ONE)]), {}, 12],
    ["half a prefix", new Uint8Array(3), {}, 3],
    ["half a message", frame(ONE, 0, 100), {}, 3],
    ["more than the length says", frame(ONE, 0, 1), {}, 13],
    ["a length of 4 GiB", frame(ONE, 0, 0xffff_ffff), {}, 8],
    ["64 KiB and one byte", frame(new Uint8Array(65_537)), {}, 8],
    ["1 MiB", frame(new Uint8Array(MIB)), {}, 8],
    ["no protobuf", frame(hex("08")), {}, 13],
    ["a compressed message of no compression", frame(ONE, 1), {}, 13],
    ["an unknown compression", frame(ONE, 1), { "grpc-encoding": "snappy" }, 12],
    ["gzip that is none", frame(ONE, 1), { "grpc-encoding": "gzip" }, 3],
    ["half a gzip", frame(ONE_PACKED.slice(0, 12), 1), { "grpc-encoding": "gzip" }, 13],
    ["a gzip bomb", frame(BOMB, 1), { "grpc-encoding": "gzip" }, 8],
    ["a large gzip bomb", frame(LARGE_BOMB, 1), { "grpc-encoding": "gzip" }, 8],
    ["a timeout that is none", frame(ONE), { "grpc-timeout": "soon" }, 3],
    ["a negative timeout", frame(ONE), { "grpc-timeout": "-1S" }, 3],
    ["a timeout of too many digits", frame(ONE), { "grpc-timeout": "123456789S" }, 3],
    ["a timeout of no unit", frame(ONE), { "grpc-timeout": "1" }, 3],
    ["a timeout of years", frame(ONE), { "grpc-timeout": "99999999H" }, 3],
  ];

ioTest(
  "serve says of each bad gRPC request what is wrong, and the connection lives on",
  async () => {
    await onServer(async ({ address }) => {
      await using client = new H2Client(`http://${address}`);
      for (const [name, body, more, code] of BAD_GRPC) {
        const headers = { "content-type": "application/grpc", te: "trailers", ...more };
        const answer = await client.call({ method: "POST", path: GET_TS, headers, body });
        const status = grpcStatus(answer);
        assert.equal(status.code, code, `${name}: ${status.message}`);
        assert.notEqual(status.message, "", name);
      }
    });
  },
);

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
  const attack = async () => {
    await using client = new H2Client(`http://${server.address}`);
    const bodies = [frame(BOMB, 1), frame(LARGE_BOMB, 1), frame(new Uint8Array(MIB))];
    await Promise.all(bodies.map(async (body) => {
      const headers = {
        "content-type": "application/grpc",
        te: "trailers",
        "grpc-encoding": "gzip",
      };
      const answer = await client.call({ method: "POST", path: GET_TS, headers, body });
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
