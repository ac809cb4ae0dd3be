// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { lastingPort, onceFree } from "../../_support/lasting_port.ts";
import { soon, until } from "../../net/_support/until.ts";

const HOST = "127.0.0.1";
const HEAD_BYTES = 24;

/** The two ends of a connection that goes through a valve. */
interface Pipe {
  readonly client: Socket;
  readonly server: Socket;
}

/** A port in front of a server. It can do to its connections what networks and crashes do. */
export class Valve implements AsyncDisposable {
  /** The first bytes of each connection, in hexadecimal; filled while they come. */
  readonly heads: string[] = [];
  readonly #pipes = new Set<Pipe>();
  #listener: Server | undefined;
  readonly #port: number;
  #targetPort: number;
  #frozen = false;
  /** Bytes of answers that still pass before everything is cut. */
  #answerBytes = Infinity;

  private constructor(port: number, targetPort: number) {
    this.#port = port;
    this.#targetPort = targetPort;
  }

  /** Opens a valve on a free port. */
  static async open(targetPort: number): Promise<Valve> {
    const valve = new Valve(lastingPort(), targetPort);
    await valve.up();
    return valve;
  }

  /** `host:port`; it stays. */
  get address(): string {
    return `${HOST}:${this.#port}`;
  }

  /** Open connections. */
  get connections(): number {
    return this.#pipes.size;
  }

  /** Leads new connections to another server. */
  retarget(port: number): void {
    this.#targetPort = port;
  }

  /** Cuts all connections. */
  sever(): void {
    for (const { client, server } of this.#pipes) {
      client.destroy();
      server.destroy();
    }
  }

  /** Cuts all connections the hard way, as a machine does that has forgotten them. */
  reset(): void {
    for (const { client, server } of this.#pipes) {
      client.resetAndDestroy();
      server.destroy();
    }
  }

  /** Cuts all connections once so many further bytes of answers are through. */
  severAfter(answerBytes: number): void {
    this.#answerBytes = answerBytes;
  }

  /** Stops to listen, and cuts all connections. */
  async down(): Promise<void> {
    const listener = this.#listener;
    if (listener === undefined) return;
    this.#listener = undefined;
    const closed = once(listener, "close");
    listener.close();
    this.sever();
    await soon("the end of all connections", closed);
  }

  /** Listens again, on the same port. */
  async up(): Promise<void> {
    this.#listener = await onceFree(async () => {
      const listener = createServer((client) => this.#join(client));
      listener.listen(this.#port, HOST);
      await soon("a port to listen on", once(listener, "listening"));
      return listener;
    });
  }

  /** Lets nothing through from here on. */
  freeze(): void {
    this.#frozen = true;
    this.#each((socket) => socket.pause());
  }

  /** Lets everything through again. */
  thaw(): void {
    this.#frozen = false;
    this.#each((socket) => socket.resume());
  }

  /** Waits until no connection is open. */
  async idle(): Promise<void> {
    await until("no open connection", () => this.#pipes.size === 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
  }

  #each(act: (socket: Socket) => void): void {
    for (const { client, server } of this.#pipes) {
      act(client);
      act(server);
    }
  }

  #join(client: Socket): void {
    const server = connect(this.#targetPort, HOST);
    const pipe = { client, server };
    const head = this.heads.push("") - 1;
    this.#pipes.add(pipe);
    const end = () => {
      client.destroy();
      server.destroy();
      this.#pipes.delete(pipe);
    };
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on("error", () => {});
      socket.on("close", end);
    }
    client.on("data", (bytes: Buffer) => {
      this.#noteHead(head, bytes);
      server.write(bytes);
    });
    server.on("data", (bytes: Buffer) => this.#passAnswer(client, bytes));
    if (this.#frozen) this.#each((socket) => socket.pause());
  }

  #noteHead(index: number, bytes: Buffer): void {
    const head = Buffer.concat([Buffer.from(this.heads[index] ?? "", "hex"), bytes]);
    this.heads[index] = head.subarray(0, HEAD_BYTES).toString("hex");
  }

  #passAnswer(client: Socket, bytes: Buffer): void {
    if (bytes.length < this.#answerBytes) {
      this.#answerBytes -= bytes.length;
      client.write(bytes);
      return;
    }
    const passing = bytes.subarray(0, this.#answerBytes);
    this.#answerBytes = Infinity;
    client.end(passing, () => this.sever());
  }
}
