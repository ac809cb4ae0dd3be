// SPDX-License-Identifier: Apache-2.0

import type { DescMethod } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { REQUEST_ID_KEY } from "../../core/request_id.ts";
import { TsoService } from "../../gen/tsoracle/v1/tso_pb.ts";
import type { Channel, ChannelTarget } from "./channel.ts";

/** The methods that must not be carried out twice. */
const NOT_TWICE: ReadonlySet<DescMethod> = new Set([
  TsoService.method.getSeq,
  TsoService.method.getSeqBatch,
]);

/**
 * Opens a gRPC-Web channel over `fetch`, for browsers. The runtime decides how many connections there are
 * and which authorities it trusts.
 */
export function connectGrpcWeb({ origin }: ChannelTarget): Channel {
  const inner = createGrpcWebTransport({ baseUrl: origin });
  const calls = new Set<AbortController>();
  const unary: Transport["unary"] = async (method, signal, timeoutMs, header, ...rest) => {
    const call = new AbortController();
    const follow = () => call.abort(signal?.reason);
    if (signal?.aborted) follow();
    signal?.addEventListener("abort", follow, { once: true });
    calls.add(call);
    try {
      return await inner.unary(method, call.signal, timeoutMs, marked(method, header), ...rest);
    } finally {
      calls.delete(call);
      signal?.removeEventListener("abort", follow);
    }
  };
  return {
    transport: { unary, stream: inner.stream },
    close() {
      for (const call of calls) call.abort();
    },
  };
}

/**
 * Marks a request that must not be carried out twice, so that the server refuses it when `fetch` sends it anew
 * on its own, as Chromium does after a connection that it had used before broke (measured).
 */
function marked(method: DescMethod, header: HeadersInit | undefined): HeadersInit | undefined {
  if (!NOT_TWICE.has(method)) return header;
  const headers = new Headers(header);
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  headers.set(REQUEST_ID_KEY, Array.from(bytes, (byte) => byte.toString(16)).join("-"));
  return headers;
}
