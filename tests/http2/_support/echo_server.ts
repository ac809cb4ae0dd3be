// SPDX-License-Identifier: Apache-2.0

import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import process from "node:process";
import { SystemClock } from "../../../src/clock/system_clock.ts";
import type { Connection } from "../../../src/http2/connection.ts";
import { DeadlineQueue } from "../../../src/http2/deadline_queue.ts";
import { overSocket } from "../../../src/http2/node/socket_transport.ts";
import { serveConnection } from "../../../src/http2/server_connection.ts";
import { EchoSink } from "./echo.ts";

/** A server on a real port that answers each request with its body. */
export class EchoServer implements AsyncDisposable {
  readonly sink = new EchoSink();
  readonly faults: unknown[] = [];
  readonly connections: Connection[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #clock = new SystemClock();
  readonly #deadlines = {
    handshake: new DeadlineQueue(5_000, this.#clock),
    stall: new DeadlineQueue(5_000, this.#clock),
    farewell: new DeadlineQueue(1_000, this.#clock),
  };

  private constructor() {
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
  }

  static async start(port = 0): Promise<EchoServer> {
    const server = new EchoServer();
    await once(server.#server.listen(port, "127.0.0.1"), "listening");
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    Object.values(this.#deadlines).forEach((queue) => queue.clear());
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => this.#sockets.delete(socket));
    this.connections.push(overSocket(socket, (transport) =>
      serveConnection({
        transport,
        clock: this.#clock,
        deadlines: this.#deadlines,
        onFault: (error) => this.faults.push(error),
        limits: { streams: 100, headerBytes: 16_384 },
        route: () => this.sink,
      })));
  }
}

if (import.meta.main) {
  const server = await EchoServer.start(Number(Deno.args[0] ?? 0));
  console.log(server.port);
  process.on("SIGINT", () => Deno.exit(0));
}
