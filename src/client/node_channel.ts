// SPDX-License-Identifier: Apache-2.0

import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import type { Channel, ChannelTarget } from "./channel.ts";

/**
 * How long a connection may be silent before it is checked with a ping (behaviour.md 6.4). A request on one
 * that has been idle for longer waits for the pong, so that a half-open connection is found at once.
 */
const KEEPALIVE_MS = 30_000;

/** How long a pong may take. */
const PONG_TIMEOUT_MS = 5_000;

/** The largest answer to accept, in bytes: a batch of 128 sequences has about 20 kB. */
const MAX_ANSWER_BYTES = 1_048_576;

/**
 * Opens a gRPC channel over HTTP/2, in plaintext or with TLS. One connection carries all its calls; it is
 * made by the first of them, and made anew when it has ended. While no call is under way it does not keep
 * the process alive.
 */
export function connectGrpc(target: ChannelTarget): Channel {
  const { origin, tls } = target;
  const keepalive = { pingIntervalMs: KEEPALIVE_MS, pingTimeoutMs: PONG_TIMEOUT_MS };
  const sessionManager = new Http2SessionManager(origin, keepalive, { ...tls });
  const transport = createGrpcTransport({
    baseUrl: origin,
    sessionManager,
    acceptCompression: [],
    readMaxBytes: MAX_ANSWER_BYTES,
  });
  return {
    transport,
    async dial() {
      if (await sessionManager.connect() === "error") throw sessionManager.error();
    },
    close: () => sessionManager.abort(),
  };
}
