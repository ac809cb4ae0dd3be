// SPDX-License-Identifier: Apache-2.0

import type { Socket } from "node:net";
import type { Connection } from "../connection.ts";
import type { Transport } from "../transport.ts";

/**
 * Runs a connection over a socket of `node:net` or `node:tls`. What the socket has received and nobody has read is
 * read first. The caller listens to the errors of the socket.
 *
 * @param open makes the connection over the transport that it is given
 */
export function overSocket(
  socket: Socket,
  open: (transport: Transport) => Connection,
): Connection {
  const connection = open(new SocketTransport(socket));
  socket.on("data", (chunk: Uint8Array) => connection.receive(chunk));
  socket.on("drain", () => connection.drained());
  socket.once("close", () => connection.lost());
  return connection;
}

class SocketTransport implements Transport {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  write(bytes: Uint8Array): number {
    this.#socket.write(bytes);
    return this.#socket.writableLength;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
