// SPDX-License-Identifier: Apache-2.0

import type { Socket } from "node:net";
import type { Transport } from "../http2/transport.ts";

/** A socket of `node:net` or `node:tls`, as the client's side of a connection needs it. */
export class ClientSocket implements Transport {
  readonly #socket: Socket;

  /** Wraps a socket. */
  constructor(socket: Socket) {
    this.#socket = socket;
  }

  write(bytes: Uint8Array): number {
    this.#socket.write(bytes);
    return this.#socket.writableLength;
  }

  /** What a client receives is bounded by what it asks for. Two peers that both stop to read would wait for ever. */
  pause(): void {}

  resume(): void {}

  /** A client has nothing to read behind its goodbye. */
  end(): void {
    this.#socket.destroySoon();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
