// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import type { EdgeName } from "../../../src/net/edge.ts";
import type { ServableOracle } from "../../../src/net/servable.ts";
import { serve } from "../../../src/net/serve.ts";
import type { OracleServer } from "../../../src/net/server.ts";
import { ioTest, scaled } from "../../_support/levels.ts";
import { OracleRig } from "../../_support/oracle_rig.ts";
import { H2Client } from "../_support/h2_client.ts";
import type { H2Call } from "../_support/h2_client.ts";

const GET_TS = "/tsoracle.v1.TsoService/GetTs";

/** A server with one of the ways to answer, and a client of it. */
class Way implements AsyncDisposable {
  /** Calls that the fast lane has answered. */
  fast = 0;
  readonly rig = new OracleRig();
  readonly client: H2Client;
  readonly #server: OracleServer;

  private constructor(server: OracleServer, rig: OracleRig, fast: () => number) {
    this.#server = server;
    this.rig = rig;
    this.client = new H2Client(`http://${server.address}`);
    Object.defineProperty(this, "fast", { get: fast });
  }

  static async start(edge: EdgeName, hasLane: boolean): Promise<Way> {
    const rig = new OracleRig();
    await rig.lead(1n);
    let fast = 0;
    const { oracle } = rig;
    const source: ServableOracle = {
      finished: oracle.finished,
      sequences: oracle.sequences,
      leases: oracle.leases,
      get isServing() {
        return oracle.isServing;
      },
      get state() {
        return oracle.state;
      },
      watchState: (options) => oracle.watchState(options),
      currentMaxSafe: () => oracle.currentMaxSafe(),
      getTs: (count, options) => oracle.getTs(count, options),
      ...(hasLane && {
        wallMs: () => oracle.wallMs(),
        getTsNow(count: number, nowMs?: number) {
          const grant = oracle.getTsNow(count, nowMs);
          if (grant !== undefined) fast += 1;
          return grant;
        },
      }),
    };
    return new Way(await serve(source, { port: 0, edge }), rig, () => fast);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]();
    await this.#server.close({ graceMs: 0 });
    await this.rig[Symbol.asyncDispose]();
  }
}

/** Fields that say nothing about the call. */
const OF_NO_MATTER = new Set(["grpc-encoding", "grpc-accept-encoding", "accept-encoding"]);

/** What matters of an answer. */
async function answerOf({ client }: Way, call: H2Call): Promise<unknown> {
  const { headers, trailers, body, rstCode } = await client.call(call);
  const matters = (fields: object) =>
    Object.entries(fields).filter(([name]) => !OF_NO_MATTER.has(name))
      .map(([name, value]) => [name, name === "date" ? "there" : value]).sort();
  return {
    headers: matters(headers),
    trailers: matters(trailers),
    body: body.toString("hex"),
    rstCode,
  };
}

function framed(message: Uint8Array, flag = 0): Buffer {
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

const message = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("0801", "0802", "08808010", "08e807") },
  fc.constantFrom("", "0800", "08818000", "08808011", "0801100a", "08010802", "ff", "08", "0a0161"),
  fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes).toString("hex")),
).map((hex) => Buffer.from(hex, "hex"));

const grpcBody = fc.oneof(
  { weight: 4, arbitrary: message.map((bytes) => framed(bytes)) },
  message.map((bytes) => framed(bytes, 1)),
  message.map((bytes) => framed(gzipSync(bytes), 1)),
  message.map((bytes) => Buffer.concat([framed(bytes), framed(bytes)])),
  message.map((bytes) => framed(bytes).subarray(0, -1)),
  fc.constantFrom(Buffer.alloc(0), Buffer.alloc(3), Buffer.alloc(5, 0xff)),
);

const oddExtras = fc.dictionary(
  fc.constantFrom(
    ...["grpc-timeout", "connect-timeout-ms", "grpc-encoding", "grpc-accept-encoding"],
    ...["content-encoding", "connect-protocol-version", "traceparent", "user-agent", "te"],
  ),
  fc.constantFrom(
    ...[
      "10S",
      "99999999m",
      "1H",
      "24H",
      "25H",
      "0S",
      "-1S",
      "S",
      "1234567890",
      "60000",
      "86400001",
    ],
    ...["gzip", "identity", "br", "1", "2", "trailers", "anything"],
  ),
  { maxKeys: 3 },
).map(({ te, ...rest }) => te === "trailers" ? { te, ...rest } : rest);

const traced = fc.constant({ "grpc-timeout": "10S", traceparent: "00-1-2-01" });
const extras = fc.oneof(fc.constant({}), traced, oddExtras);

const grpcCall = fc.tuple(
  fc.constantFrom("application/grpc", "application/grpc+proto", "application/grpc;x=y"),
  extras,
  grpcBody,
).map(([type, more, body]) => ({
  path: GET_TS,
  headers: { "content-type": type, te: "trailers", ...more },
  body,
}));

const connectCall = fc.tuple(
  fc.constantFrom("application/proto", "application/proto; charset=x", "application/json"),
  extras,
  message,
).map(([type, more, body]) => ({ path: GET_TS, headers: { "content-type": type, ...more }, body }));

ioTest("a call has the same answer on the fast lane, without it, and by node:http2", async () => {
  await using fast = await Way.start("http2", true);
  await using slow = await Way.start("http2", false);
  await using node = await Way.start("connect", false);
  let calls = 0;
  const property = fc.asyncProperty(fc.oneof(grpcCall, connectCall), async (call) => {
    calls += 1;
    const expected = await answerOf(node, call);
    assert.deepEqual(await answerOf(slow, call), expected);
    assert.deepEqual(await answerOf(fast, call), expected);
  });
  await fc.assert(property, { numRuns: scaled(300, 20_000) });
  assert(fast.fast > calls / 20, `${fast.fast} of ${calls} calls were answered on the lane`);
  assert.equal(slow.fast + node.fast, 0);
});
