// SPDX-License-Identifier: Apache-2.0

import type { Transport } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import type { Channel, ChannelTarget } from "./channel.ts";

/**
 * Opens a gRPC-Web channel over `fetch`, for browsers. The runtime decides how many connections there are
 * and which authorities it trusts.
 */
export function connectGrpcWeb({ origin }: ChannelTarget): Channel {
  const inner = createGrpcWebTransport({ baseUrl: origin });
  const calls = new Set<AbortController>();
  const unary: Transport["unary"] = async (method, signal, ...rest) => {
    const call = new AbortController();
    const follow = () => call.abort(signal?.reason);
    if (signal?.aborted) follow();
    signal?.addEventListener("abort", follow, { once: true });
    calls.add(call);
    try {
      return await inner.unary(method, call.signal, ...rest);
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
