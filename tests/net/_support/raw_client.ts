// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { once } from "node:events";
import { soon, until } from "./until.ts";

/** A client that sends any bytes. */
export class RawClient implements AsyncDisposable {
  /** Settles when the connection is closed, by whomever. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => socket.once("close", () => resolve()));
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => this.#received = Buffer.concat([this.#received, chunk]));
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    return new RawClient(socket);
  }

  /** Everything received so far. */
  get received(): Buffer {
    return this.#received;
  }

  /** Everything received so far, a character per byte. */
  get text(): string {
    return this.#received.toString("latin1");
  }

  /** Sends without waiting. What cannot be sent any more is dropped. */
  send(bytes: Uint8Array | string): void {
    this.#socket.write(bytes);
  }

  /** Waits until the text received matches. */
  async untilText(pattern: RegExp): Promise<string> {
    await until(`${pattern}, got ${JSON.stringify(this.text)}`, () => pattern.test(this.text));
    return this.text;
  }

  /** Waits until the other side has closed. */
  async untilClosed(): Promise<string> {
    await soon("the server to close", this.closed);
    return this.text;
  }

  /** Says that nothing more is coming, and waits until the other side has closed too. */
  async finish(): Promise<void> {
    this.#socket.end();
    await this.untilClosed();
  }

  /** Receives nothing more, not even the end. */
  sleep(): void {
    this.#socket.pause();
  }

  /** Closes with a reset instead of a goodbye. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    await this.closed;
  }
}
