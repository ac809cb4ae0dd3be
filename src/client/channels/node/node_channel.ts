// SPDX-License-Identifier: Apache-2.0

import { createGrpcTransport } from "@connectrpc/connect-node";
import type { Channel, ChannelTarget } from "../channel.ts";
import { Http2Connection } from "./http2_connection.ts";

/** The largest answer to accept, in bytes: a batch of 128 sequences has about 20 kB. */
const MAX_ANSWER_BYTES = 1_048_576;

/**
 * Opens a gRPC channel over HTTP/2, in plaintext or with TLS. One connection carries all its calls; it is
 * made by the first of them, and made anew when it has ended. While no call is under way it does not keep
 * the process alive.
 */
export function connectGrpc(target: ChannelTarget): Channel {
  const connection = new Http2Connection(target);
  const transport = createGrpcTransport({
    baseUrl: target.origin,
    sessionManager: connection,
    acceptCompression: [],
    readMaxBytes: MAX_ANSWER_BYTES,
  });
  return {
    transport,
    dial: () => connection.dial(),
    close: () => connection.close(),
  };
}
