// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { HpackDecoder } from "../../../src/http2/hpack/hpack_decoder.ts";
import { settingsOf } from "../../http2/_support/memory_server.ts";
import { FLAG, frame, framesOf, PREFACE, settingsAck, TYPE } from "../../net/_support/h2_frames.ts";
import type { Frame } from "../../net/_support/h2_frames.ts";
import { until } from "../../net/_support/until.ts";

const WINDOW_UPDATE = 8;

/** A client's connection to a {@linkcode ScriptedServer}, which is sent what the test says. */
export class ScriptedPeer {
  readonly socket: Socket;
  isClosed = false;
  /** Whether pings are answered. */
  isAlive = true;
  #bytes: Buffer = Buffer.alloc(0);
  #pings = 0;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => {}).once("close", () => this.isClosed = true);
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    this.send(settingsOf([]), settingsAck());
  }

  /** Every frame that has come. */
  get frames(): readonly Frame[] {
    return framesOf(this.#bytes.subarray(PREFACE.length));
  }

  /** The requests, by stream. */
  get paths(): ReadonlyMap<number, string> {
    const decoder = new HpackDecoder({ maxListBytes: 16_384 });
    return new Map(
      this.frames.filter(({ type }) => type === TYPE.headers).map(({ stream, payload }) => {
        const { fields } = decoder.decode(payload, 0, payload.length);
        return [stream, fields.find(({ name }) => name === ":path")?.value ?? ""];
      }),
    );
  }

  /** How much credit was given for a stream, 0 for the connection, in bytes. */
  creditOf(stream: number): number {
    return this.frames.filter((each) => each.type === WINDOW_UPDATE && each.stream === stream)
      .reduce((sum, { payload }) => sum + payload.readUInt32BE(), 0);
  }

  /** The codes of RST_STREAM of a stream. */
  resetsOf(stream: number): readonly number[] {
    return this.frames.filter((each) => each.type === TYPE.reset && each.stream === stream)
      .map(({ payload }) => payload.readUInt32BE());
  }

  /** Whether the request of a stream is here to its end. */
  hasEnded(stream: number): boolean {
    return this.frames.some((each) =>
      each.stream === stream && (each.type === TYPE.data || each.type === TYPE.headers) &&
      (each.flags & FLAG.endStream) !== 0
    );
  }

  /** Waits for the request of a stream. */
  async asked(stream: number): Promise<void> {
    const hasBody = () => this.frames.some((each) => each.stream === stream && each.type === 0);
    await until(`the request of stream ${stream}`, hasBody);
  }

  send(...parts: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(parts));
  }

  #receive(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    if (!this.isAlive) return;
    const pings = this.frames.filter(({ type, flags }) => type === TYPE.ping && flags === 0);
    for (const { payload } of pings.slice(this.#pings)) {
      this.send(frame(TYPE.ping, FLAG.ack, 0, payload));
    }
    this.#pings = pings.length;
  }
}

/** A server of HTTP/2 that says hello, and then what the test says. */
export class ScriptedServer implements AsyncDisposable {
  /** The connections, in the order in which they came. */
  readonly peers: ScriptedPeer[] = [];
  readonly #server = createServer((socket) => void this.peers.push(new ScriptedPeer(socket)));

  static async start(): Promise<ScriptedServer> {
    const server = new ScriptedServer();
    await once(server.#server.listen(0, "127.0.0.1"), "listening");
    return server;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Waits for a connection, counted from 0. */
  async peer(index = 0): Promise<ScriptedPeer> {
    await until(`connection ${index}`, () => this.peers.length > index);
    return this.peers[index] as ScriptedPeer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const { socket } of this.peers) socket.destroy();
    await closed;
  }
}
