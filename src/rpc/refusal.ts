// SPDX-License-Identifier: Apache-2.0

import { Code } from "@connectrpc/connect";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { encodeGrpcMessage } from "./grpc_message.ts";

const encoder = new TextEncoder();

/** What the gRPC protocol says where HTTP has a status of its own. */
const GRPC_CODES: Readonly<Record<number, Code>> = {
  400: Code.InvalidArgument,
  404: Code.Unimplemented,
  405: Code.Unimplemented,
  408: Code.DeadlineExceeded,
  415: Code.Unimplemented,
  500: Code.Internal,
  503: Code.Unavailable,
  505: Code.Unimplemented,
};

/** A request that no method answers. */
export interface Refusal {
  /** HTTP status. */
  readonly status: 400 | 404 | 405 | 408 | 415 | 500 | 503 | 505;
  /** One sentence: what is wrong and what to do instead. */
  readonly text: string;
  /** Further headers. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Whether the caller speaks gRPC, but not gRPC-Web. */
export function isGrpc(contentType: string | null | undefined): boolean {
  return /^application\/grpc(?:[+;]|$)/.test(contentType ?? "");
}

/**
 * Words a refusal for the one who asks: text with an HTTP status, or for a gRPC client, which shows
 * nothing of these, a gRPC status in an answer without a message.
 */
export function refuse(
  refusal: Refusal,
  contentType: string | null | undefined,
): UniversalServerResponse {
  const { status, text, headers = {} } = refusal;
  if (isGrpc(contentType)) {
    const code = GRPC_CODES[status] ?? Code.Unknown;
    return {
      status: 200,
      header: new Headers({
        "content-type": "application/grpc",
        "grpc-status": String(code),
        "grpc-message": encodeGrpcMessage(text),
      }),
    };
  }
  return textAnswer(status, text, headers);
}

/** A plain answer of one line. */
export function textAnswer(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): UniversalServerResponse {
  const body = encoder.encode(`${text}\n`);
  return {
    status,
    header: new Headers({
      "content-type": "text/plain; charset=utf-8",
      "content-length": String(body.byteLength),
      ...headers,
    }),
    body: once(body),
  };
}

async function* once(body: Uint8Array): AsyncGenerator<Uint8Array> {
  yield body;
}
