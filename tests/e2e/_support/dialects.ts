// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { fromJson } from "@bufbuild/protobuf";
import type { GetTsResponse } from "../../../src/gen/tsoracle/v1/tso_pb.ts";
import { GetTsRequestSchema, GetTsResponseSchema } from "../../../src/gen/tsoracle/v1/tso_pb.ts";
import type { Answer, Exchange } from "./exchange.ts";
import {
  binaryHeader,
  decode,
  encode,
  frame,
  GET_TS,
  grpcGetTs,
  grpcStatus,
  unframe,
} from "./grpc_wire.ts";

const HINT = "tsoracle-leader-hint-bin";
const TRAILERS_OF_GRPC_WEB = 0x80;
const GRPC_NAMES: Readonly<Record<number, string>> = {
  3: "invalid_argument",
  9: "failed_precondition",
};

/** What an answer says, whatever it is written in. */
export type Meaning = { readonly kind: "grant"; readonly grant: GetTsResponse } | Refused;

/** A refusal. */
export interface Refused {
  /** Tells the meanings apart. */
  readonly kind: "refused";
  /** The code by its name in Connect. */
  readonly code: string;
  /** The sentence for a person. */
  readonly message: string;
  /** The bytes of the leader hint, if there is one. */
  readonly hint: Uint8Array | undefined;
}

/** One of the protocols, written and read by hand. */
export interface Dialect {
  /** Its name in the names of tests. */
  readonly name: string;
  /** Whether it exists over HTTP/1.1. */
  readonly overHttp1: boolean;
  /** GetTs. */
  request(count: number): Exchange;
  /** What the answer to GetTs says. */
  read(answer: Answer): Meaning;
}

/** Every protocol that the server speaks. */
export const DIALECTS: readonly Dialect[] = [
  { name: "gRPC", overHttp1: false, request: (count) => grpcGetTs(count), read: readGrpc },
  { name: "gRPC-Web", overHttp1: true, request: grpcWebRequest, read: readGrpcWeb },
  {
    name: "Connect binary",
    overHttp1: true,
    request: connectBinaryRequest,
    read: (answer) => readConnect(answer, "application/proto", decodeBinary),
  },
  {
    name: "Connect JSON",
    overHttp1: true,
    request: connectJsonRequest,
    read: (answer) => readConnect(answer, "application/json", decodeJson),
  },
];

function post(contentType: string, body: Uint8Array<ArrayBuffer>): Exchange {
  return { method: "POST", path: GET_TS, headers: { "content-type": contentType }, body };
}

function grpcWebRequest(count: number): Exchange {
  return post("application/grpc-web+proto", frame(encode(GetTsRequestSchema, { count })));
}

function connectBinaryRequest(count: number): Exchange {
  return post("application/proto", encode(GetTsRequestSchema, { count }));
}

function connectJsonRequest(count: number): Exchange {
  return post("application/json", new TextEncoder().encode(JSON.stringify({ count })));
}

function readGrpc(answer: Answer): Meaning {
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("content-type") ?? "", /^application\/grpc(\+proto)?$/);
  const { code, message } = grpcStatus(answer);
  if (code === 0) return granted(unframe(answer.body).map(({ data }) => data));
  const fields = answer.trailers.has("grpc-status") ? answer.trailers : answer.headers;
  return refused({ code, message, hint: binaryHeader(fields, HINT) });
}

function readGrpcWeb(answer: Answer): Meaning {
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-type"), "application/grpc-web+proto");
  const frames = unframe(answer.body);
  const last = frames.findIndex(({ flags }) => flags === TRAILERS_OF_GRPC_WEB);
  const trailers = last === -1 ? answer.headers : trailerBlock(frames[last]!.data);
  const code = Number(trailers.get("grpc-status"));
  if (code === 0) return granted(frames.slice(0, last).map(({ data }) => data));
  const message = decodeURIComponent(trailers.get("grpc-message") ?? "");
  return refused({ code, message, hint: binaryHeader(trailers, HINT) });
}

function trailerBlock(data: Uint8Array): Headers {
  const lines = new TextDecoder().decode(data).split("\r\n").filter((line) => line !== "");
  return new Headers(lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  }));
}

function readConnect(
  answer: Answer,
  contentType: string,
  decodeBody: (body: Uint8Array) => GetTsResponse,
): Meaning {
  const { status, headers, body } = answer;
  if (status === 200) {
    assert.equal(headers.get("content-type"), contentType);
    return { kind: "grant", grant: decodeBody(body) };
  }
  assert.equal(status, 400);
  assert.equal(headers.get("content-type"), "application/json");
  const { code, message } = JSON.parse(new TextDecoder().decode(body));
  return { kind: "refused", code, message, hint: binaryHeader(headers, HINT) };
}

function decodeBinary(body: Uint8Array): GetTsResponse {
  return decode(GetTsResponseSchema, body);
}

function decodeJson(body: Uint8Array): GetTsResponse {
  return fromJson(GetTsResponseSchema, JSON.parse(new TextDecoder().decode(body)));
}

function granted(messages: readonly Uint8Array[]): Meaning {
  assert.equal(messages.length, 1);
  return { kind: "grant", grant: decode(GetTsResponseSchema, messages[0]!) };
}

function refused(
  { code, message, hint }: {
    readonly code: number;
    readonly message: string;
    readonly hint: Uint8Array | undefined;
  },
): Refused {
  return { kind: "refused", code: GRPC_NAMES[code] ?? String(code), message, hint };
}
