// SPDX-License-Identifier: Apache-2.0

import type { Socket } from "node:net";
import { getLogger } from "@logtape/logtape";
import type { Clock } from "../core/clock.ts";
import type { ConnectionDeadlines } from "../http2/connection_parts.ts";
import { overSocket } from "../http2/node/socket_transport.ts";
import { serveConnection } from "../http2/server_connection.ts";
import type { Connection, Http2Session } from "./connection.ts";
import type { Edge, EdgeOptions } from "./edge.ts";
import { StreamMessage } from "./stream_message.ts";

const logger = getLogger(["tsoracle", "net"]);

/** What our own edge also works with. */
export interface OwnEdgeOptions extends EdgeOptions {
  /** Time. */
  readonly clock: Clock;
  /** The timers of all connections. */
  readonly deadlines: ConnectionDeadlines;
}

/** HTTP/2 by the implementation of this package. */
export class OwnEdge implements Edge {
  readonly #options: OwnEdgeOptions;

  /** Makes an edge without connections. */
  constructor(options: OwnEdgeOptions) {
    this.#options = options;
  }

  start(socket: Socket, connection: Connection): Http2Session {
    const { limits, onMessage, clock, deadlines } = this.#options;
    const http2 = overSocket(socket, (transport) =>
      serveConnection({
        ...{ transport, clock, deadlines },
        limits: { streams: limits.streamsPerConnection, headerBytes: limits.headerBytes },
        onRequest: (stream) => onMessage(new StreamMessage(stream), connection),
        onFault: (error) => logger.error("an HTTP/2 connection failed: {error}", { error }),
      }));
    return {
      get destroyed(): boolean {
        return http2.isOver;
      },
      close: () => http2.drain(),
      destroy: () => http2.destroy(),
      ping: (onAck) => http2.ping(onAck),
    };
  }

  close(): void {}
}
