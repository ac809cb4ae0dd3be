// SPDX-License-Identifier: Apache-2.0

import type { Http2Server } from "node:http2";
import type { Socket } from "node:net";
import { Carriers } from "./carriers.ts";
import type { Connection, Http2Session } from "./connection.ts";
import type { Edge, EdgeOptions } from "./edge.ts";
import { NodeMessage } from "./node_message.ts";
import { createUnboundHttp2, startHttp2 } from "./protocol_servers.ts";

/** HTTP/2 by `node:http2`. */
export class NodeEdge implements Edge {
  readonly #server: Http2Server;
  readonly #carriers = new Carriers();

  /** Makes an edge without connections. */
  constructor({ limits, onMessage }: EdgeOptions) {
    this.#server = createUnboundHttp2(limits, (request, response) => {
      const connection = this.#carriers.find(request.stream.session);
      if (connection === undefined) return void response.destroy();
      onMessage(new NodeMessage(request, response, connection), connection);
    });
  }

  start(socket: Socket, connection: Connection): Http2Session | undefined {
    const session = startHttp2(this.#server, socket);
    if (session !== undefined) this.#carriers.note(session, connection);
    return session;
  }

  close(): void {
    this.#server.removeAllListeners();
  }
}
