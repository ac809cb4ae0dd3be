// SPDX-License-Identifier: Apache-2.0

import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";

const HOST = "127.0.0.1";

/** A port in front of a server. What clients say can be held back, while they hear what the server says. */
export class SlowLine implements AsyncDisposable {
  /** The server that new connections lead to. */
  targetPort: number;
  /** How many connections there were. */
  connections = 0;
  readonly #listener: Server;
  readonly #sockets = new Set<Socket>();
  #held: (() => void)[] | undefined;

  private constructor(targetPort: number) {
    this.targetPort = targetPort;
    this.#listener = createServer((client) => this.#join(client));
  }

  static async open(targetPort: number): Promise<SlowLine> {
    const line = new SlowLine(targetPort);
    await once(line.#listener.listen(0, HOST), "listening");
    return line;
  }

  /** `host:port`. */
  get address(): string {
    return `${HOST}:${(this.#listener.address() as AddressInfo).port}`;
  }

  /** Whether something is held back. */
  get isHolding(): boolean {
    return this.#held !== undefined && this.#held.length > 0;
  }

  /** Holds back what the clients of the connections until now say. */
  hold(): void {
    this.#held = [];
  }

  /** Lets go what was held back, and holds nothing any more. */
  release(): void {
    this.#held?.forEach((send) => send());
    this.#held = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#listener.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #join(client: Socket): void {
    const server = connect(this.targetPort, HOST);
    this.connections += 1;
    const isLater = this.#held !== undefined;
    for (const socket of [client, server]) {
      socket.setNoDelay(true).on("error", () => {});
      this.#sockets.add(socket);
    }
    client.on("data", (bytes) => this.#pass(isLater, () => void server.write(bytes)));
    client.on("close", () => this.#pass(isLater, () => void server.destroy()));
    server.on("data", (bytes) => client.write(bytes));
    server.on("close", () => client.destroySoon());
  }

  #pass(isLater: boolean, send: () => void): void {
    if (this.#held === undefined || isLater) send();
    else this.#held.push(send);
  }
}
