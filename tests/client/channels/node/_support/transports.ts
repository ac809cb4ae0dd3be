// SPDX-License-Identifier: Apache-2.0

import { createClient } from "@connectrpc/connect";
import type { Client, Transport } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import type { Channel } from "../../../../../src/client/channels/channel.ts";
import { connectGrpc } from "../../../../../src/client/channels/node/node_channel.ts";
import { TsoService } from "../../../../../src/gen/tsoracle/v1/tso_pb.ts";

/** The transports that are compared: that of the client, and that of Connect over `node:http2`. */
export type TransportName = "own" | "connect-node";

/** Opens a channel for comparison. */
export function open(name: TransportName, origin: string): Channel {
  if (name === "own") return connectGrpc({ origin, tls: undefined });
  const sessionManager = new Http2SessionManager(origin, { idleConnectionTimeoutMs: Infinity });
  const transport = createGrpcTransport({
    baseUrl: origin,
    sessionManager,
    acceptCompression: [],
    readMaxBytes: 1_048_576,
  });
  return { transport, sendsOnce: true, close: () => sessionManager.abort() };
}

/** The calls of a channel. */
export function callsOn(channel: Channel): Client<typeof TsoService> {
  return createClient(TsoService, channel.transport as unknown as Transport);
}
