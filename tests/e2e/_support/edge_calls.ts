// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import {
  AcquireLeaseRequestSchema,
  GetSeqBatchRequestSchema,
  GetSeqRequestSchema,
  GetTsRequestSchema,
  RenewLeaseRequestSchema,
} from "../../../src/gen/tsoracle/v1/tso_pb.ts";
import { encode, frame, GET_TS } from "./grpc_wire.ts";

/** A request as a client of HTTP/2 sends it. */
export interface EdgeCall {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The body, in the frames in which it is sent. Without any, the head ends the request. */
  readonly parts: readonly Uint8Array[];
  /** Sent behind the body, if there is one. */
  readonly trailers?: Readonly<Record<string, string>> | undefined;
}

const SERVICE = "/tsoracle.v1.TsoService/";

const path = fc.oneof(
  { weight: 6, arbitrary: fc.constant(GET_TS) },
  fc.constantFrom(
    ...["GetCurrentMaxSafe", "GetSeq", "GetSeqBatch", "GetSafeFrontier", "AcquireLease"],
    ...["RenewLease", "ReleaseLease", "Unknown", "getTs", "GetTs/", "GetTs?x=1", "%47etTs"],
  ).map((name) => SERVICE + name),
  fc.constantFrom(
    ...[
      "/",
      "/healthz",
      "/readyz",
      "/grpc.health.v1.Health/Check",
      "/tsoracle.v2.TsoService/GetTs",
    ],
    ...["/tsoracle.v1.TsoService", "//", "/a?b#c"],
  ),
);

const method = fc.oneof(
  { weight: 12, arbitrary: fc.constant("POST") },
  fc.constantFrom("GET", "PUT", "OPTIONS", "HEAD", "DELETE", "PATCH", "post"),
);

const contentType = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      ...["application/grpc", "application/grpc+proto", "application/grpc-web+proto"],
      ...["application/grpc-web", "application/proto", "application/json"],
    ),
  },
  fc.constantFrom(
    ...[
      "application/grpc+json",
      "application/grpc;x=1",
      "Application/GRPC",
      "application/grpc-web-text",
    ],
    ...["application/connect+proto", "application/connect+json", "application/json; charset=utf-8"],
    ...[
      "application/json;charset=latin1",
      "text/plain",
      "",
      "application/proto;",
      "application/grpcx",
    ],
  ),
);

function bytes(hex: string): Uint8Array {
  return Buffer.from(hex, "hex");
}

const message: fc.Arbitrary<Uint8Array> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.constantFrom(1, 1, 2, 127, 128, 262_144).map((count) =>
      encode(GetTsRequestSchema, { count })
    ),
  },
  fc.constantFrom(0, 262_145, 0xffff_ffff).map((count) => encode(GetTsRequestSchema, { count })),
  fc.constantFrom(
    encode(GetSeqRequestSchema, { key: "orders", count: 2 }),
    encode(GetSeqRequestSchema, { key: "", count: 1 }),
    encode(GetSeqBatchRequestSchema, { entries: [{ key: "a", count: 1 }, { key: "b", count: 0 }] }),
    encode(AcquireLeaseRequestSchema, { holder: bytes("61"), holderEpoch: 1n, ttlMs: 5_000n }),
    encode(RenewLeaseRequestSchema, { leaseId: 1n }),
  ),
  // Nothing, a zero, a longer form, another wire type, a known and an unknown field, and what is broken.
  fc.constantFrom("", "0800", "088100", "0d01000000", "08010802", "0801100a", "08", "ff", "0a0361")
    .map(bytes),
  fc.uint8Array({ maxLength: 8 }),
);

const json = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom('{"count":1}', '{"count":"7"}', '{"key":"k","count":3}'),
  },
  fc.constantFrom(
    ...["", "{}", "[]", "null", '{"count":0}', '{"count":-1}', '{"count":1.5}', '{"count":1e3}'],
    ...['{"count":1,"count":2}', '{"count":1,"x":2}', '{"count":262145}', "{", '"', "\ufeff{}"],
  ),
).map((text) => Buffer.from(text) as Uint8Array);

/** A body in the form that a protocol has, or nearly. */
const enveloped = fc.oneof(
  { weight: 5, arbitrary: message.map((one) => frame(one)) },
  fc.tuple(message, fc.constantFrom(1, 2, 128, 129)).map(([one, flags]) => frame(one, flags)),
  message.map((one) => frame(new Uint8Array(gzipSync(one)), 1)),
  fc.tuple(message, message).map(([one, two]) => Buffer.concat([frame(one), frame(two)])),
  fc.tuple(message, fc.constantFrom(1, -1, 0xffff_fff0)).map(([one, more]) =>
    frame(one, 0, Math.max(0, one.length + more))
  ),
  message.map((one) => frame(one).subarray(0, 4)),
);

const extras = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  fc.dictionary(
    fc.constantFrom(
      ...["grpc-timeout", "connect-timeout-ms", "grpc-encoding", "content-encoding", "x-tag-bin"],
      ...["grpc-accept-encoding", "accept-encoding", "connect-protocol-version", "traceparent"],
      ...["user-agent", "cookie", "expect", "x-grpc-web", "grpc-status", "content-length-x"],
    ),
    fc.constantFrom(
      ...[
        "10S",
        "1H",
        "99999999S",
        "999999999S",
        "0S",
        "0m",
        "1n",
        "S",
        "-1S",
        "1.5S",
        "0",
        "1",
        "60000",
      ],
      ...["12345678901", "gzip", "br", "identity", "gzip,br", "2", "100-continue", "a=b; c=d", "@"],
    ),
    { maxKeys: 3 },
  ),
);

const trailers = fc.oneof(
  { weight: 4, arbitrary: fc.constant(undefined) },
  fc.constantFrom({}, { "grpc-status": "0" }, { "x-late": "1" }),
);

const query = fc.tuple(
  fc.constantFrom("GetCurrentMaxSafe", "GetSafeFrontier", "GetTs", "Unknown"),
  fc.constantFrom("connect=v1", "connect=v2", "x=1"),
  fc.constantFrom("encoding=json", "encoding=proto", "encoding=xml"),
  fc.constantFrom("message=%7B%7D", "message=", "base64=1&message=", "base64=1&message=!", "y"),
  fc.constantFrom("GET", "HEAD"),
).map(([name, connect, encoding, text, method]): EdgeCall => ({
  method,
  path: `${SERVICE}${name}?${connect}&${encoding}&${text}`,
  headers: {},
  parts: [],
}));

const posted = fc.record({
  ...{ method, path, contentType, extras, trailers },
  body: fc.tuple(message, json, enveloped),
  cuts: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(fc.nat(40), { maxLength: 3 })),
  isMismatched: fc.nat(9).map((one) => one === 0),
}).map((one): EdgeCall => {
  const [plain, text, envelope] = one.body;
  const fitting = /grpc|connect/.test(one.contentType)
    ? envelope
    : one.contentType.includes("json")
    ? text
    : plain;
  const body = one.isMismatched ? plain : fitting;
  return {
    ...{ method: one.method, path: one.path, trailers: one.trailers },
    headers: { "content-type": one.contentType, ...one.extras },
    parts: cut(body, one.cuts),
  };
});

/** Requests of all protocols and methods: right, odd and broken. */
export const edgeCall: fc.Arbitrary<EdgeCall> = fc.oneof({ weight: 9, arbitrary: posted }, query);

function cut(body: Uint8Array, places: readonly number[]): readonly Uint8Array[] {
  const sorted = [0, ...places.filter((at) => at < body.length), body.length]
    .sort((one, other) => one - other);
  return sorted.slice(1).map((end, i) => body.subarray(sorted[i], end));
}
