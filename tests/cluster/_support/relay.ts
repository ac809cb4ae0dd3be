// SPDX-License-Identifier: Apache-2.0

import { once } from "node:events";
import * as net from "node:net";

/** A way that bytes take between an oracle and its engine. */
export type Direction = "to-engine" | "from-engine";

/** Both ways. */
export const BOTH: readonly Direction[] = ["to-engine", "from-engine"];

interface Pair {
  readonly oracle: net.Socket;
  readonly engine: net.Socket;
}

/**
 * A port in front of an engine. What is cut holds the bytes of one direction back, of connections old and new; nobody
 * is told, as in a network that loses packets, and what was held back arrives when the cut is mended.
 */
export class Relay implements AsyncDisposable {
  readonly #server: net.Server;
  readonly #pairs = new Set<Pair>();
  #cut: readonly Direction[] = [];

  private constructor(server: net.Server, target: net.TcpNetConnectOpts) {
    this.#server = server;
    server.on("connection", (oracle: net.Socket) => this.#relay(oracle, net.connect(target)));
  }

  /** Listens on a free port of an address, and relays to `host:port`. */
  static async start(target: string, hostname = "127.0.0.1"): Promise<Relay> {
    const { hostname: host, port } = new URL(`http://${target}`);
    const server = net.createServer({ pauseOnConnect: true });
    const relay = new Relay(server, { host, port: Number(port) });
    server.listen(0, hostname);
    await once(server, "listening");
    return relay;
  }

  /** Where it listens, `host:port`. */
  get address(): string {
    const { address, port } = this.#server.address() as net.AddressInfo;
    return `${address}:${port}`;
  }

  /** Holds back what goes these ways; whatever was cut before goes on. */
  cut(directions: readonly Direction[]): void {
    this.#cut = directions;
    for (const pair of this.#pairs) this.#apply(pair);
  }

  /** Ends every connection; new ones are let through. */
  reset(): void {
    for (const { oracle, engine } of this.#pairs) {
      oracle.destroy();
      engine.destroy();
    }
  }

  /** Ends every connection and stops listening. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.reset();
    await closed;
  }

  #relay(oracle: net.Socket, engine: net.Socket): void {
    const pair = { oracle, engine };
    this.#pairs.add(pair);
    for (const [from, to] of [[oracle, engine], [engine, oracle]] as const) {
      from.setNoDelay(true);
      from.on("data", (bytes) => to.write(bytes));
      from.on("end", () => to.end());
      from.on("error", () => {});
      from.on("close", () => {
        to.destroy();
        this.#pairs.delete(pair);
      });
    }
    this.#apply(pair);
  }

  #apply({ oracle, engine }: Pair): void {
    for (const [socket, direction] of [[oracle, "to-engine"], [engine, "from-engine"]] as const) {
      if (this.#cut.includes(direction)) socket.pause();
      else socket.resume();
    }
  }
}
