// SPDX-License-Identifier: Apache-2.0

import type { Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { abortable } from "../../../core/abortable.ts";
import type { Channel, ChannelTarget } from "../channel.ts";
import { Http2Connection } from "../../../grpc/http2_connection.ts";

/** The largest answer to accept, in bytes: a batch of 128 sequences has about 20 kB. */
const MAX_ANSWER_BYTES = 1_048_576;

/**
 * Opens a gRPC channel over HTTP/2, in plaintext or with TLS. One connection carries all its calls; it is
 * made by the first of them, and made anew when it has ended. While no call is under way it does not keep
 * the process alive, but for the second in which a dial may still succeed that its callers have given up.
 */
export function connectGrpc(target: ChannelTarget): Channel {
  const connection = new Http2Connection(target);
  const inner = createGrpcTransport({
    baseUrl: target.origin,
    sessionManager: connection,
    acceptCompression: [],
    readMaxBytes: MAX_ANSWER_BYTES,
  });
  const unary: Transport["unary"] = (...call) => connection.whileUsed(() => inner.unary(...call));
  return {
    transport: { unary, stream: inner.stream },
    sendsOnce: true,
    dial: (signal) => connection.whileUsed(() => abortable(connection.dial(), signal)),
    close: () => connection.close(),
  };
}
