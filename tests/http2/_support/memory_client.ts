// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import type { Connection } from "../../../src/http2/connection.ts";
import { DeadlineQueue } from "../../../src/http2/deadline_queue.ts";
import { serveConnection } from "../../../src/http2/server_connection.ts";
import type { RequestTaker, Router } from "../../../src/http2/server_streams.ts";
import type { Transport } from "../../../src/http2/transport.ts";
import { ManualClock, settle } from "../../../src/testing/manual_clock.ts";
import { framesOf, hello, settingsAck, TYPE } from "../../net/_support/h2_frames.ts";
import type { Frame } from "../../net/_support/h2_frames.ts";
import { EchoSink } from "./echo.ts";

/** How long a client of a test may take, in milliseconds of its clock. */
export const PATIENCE = { handshakeMs: 1_000, stallMs: 3_000, farewellMs: 500 } as const;

/** How a memory client is made. */
export interface MemoryClientOptions {
  /**
   * Open streams that the server takes.
   *
   * @default {4}
   */
  readonly streams?: number;
  /** Answers the requests; by default they are echoed. */
  readonly onRequest?: RequestTaker["onRequest"];
  /** Finds who answers a request; by default that is `onRequest`. */
  readonly route?: Router;
  /** Called after each read. */
  readonly onReadEnd?: () => void;
}

/** A client without a socket: it gives bytes to a server's connection and looks at what that writes. */
export class MemoryClient implements Transport {
  readonly clock = new ManualClock();
  readonly sink = new EchoSink();
  readonly faults: unknown[] = [];
  readonly connection: Connection;
  /** What was written, by the calls that wrote it. */
  readonly writes: Uint8Array[] = [];
  /** How much the socket says it holds. */
  heldBytes = 0;
  isPaused = false;
  isEnded = false;
  isDestroyed = false;
  readonly #deadlines = {
    handshake: new DeadlineQueue(PATIENCE.handshakeMs, this.clock),
    stall: new DeadlineQueue(PATIENCE.stallMs, this.clock),
    farewell: new DeadlineQueue(PATIENCE.farewellMs, this.clock),
  };

  constructor(options: MemoryClientOptions = {}) {
    this.connection = serveConnection({
      transport: this,
      clock: this.clock,
      deadlines: this.#deadlines,
      onFault: (error) => this.faults.push(error),
      limits: { streams: options.streams ?? 4, headerBytes: 16_384 },
      route: options.route ??
        (() => options.onRequest ? { onRequest: options.onRequest } : this.sink),
      onReadEnd: () => options.onReadEnd?.(),
    });
  }

  /** A client that has said hello and acknowledged the settings of the server. */
  static greeted(options: MemoryClientOptions = {}): MemoryClient {
    const client = new MemoryClient(options);
    client.send(hello(), settingsAck());
    client.writes.length = 0;
    return client;
  }

  /** Everything that was written. */
  get received(): Buffer {
    return Buffer.concat(this.writes);
  }

  /** Every frame that was written. */
  get frames(): readonly Frame[] {
    return framesOf(this.received);
  }

  /** The frames of a type. */
  framesOf(type: number): readonly Frame[] {
    return this.frames.filter((frame) => frame.type === type);
  }

  /** The codes of RST_STREAM, with their streams. */
  get resets(): readonly (readonly [number, number])[] {
    return this.framesOf(TYPE.reset).map((each) => [each.stream, each.payload.readUInt32BE()]);
  }

  /** The codes of GOAWAY. */
  get goaways(): readonly number[] {
    return this.framesOf(TYPE.goaway).map(({ payload }) => payload.readUInt32BE(4));
  }

  /** The bodies of the answers, by their streams. */
  bodyOf(stream: number): string {
    const parts = this.framesOf(TYPE.data).filter((frame) => frame.stream === stream);
    return Buffer.concat(parts.map(({ payload }) => payload)).toString("latin1");
  }

  /** Gives bytes to the server, as one read. */
  send(...parts: readonly Uint8Array[]): void {
    this.connection.receive(Buffer.concat(parts));
  }

  /** Lets what was scheduled go out, and moves the clock. */
  async advance(ms = 0): Promise<void> {
    await this.clock.advance(ms);
    await settle();
  }

  write(bytes: Uint8Array): number {
    this.writes.push(bytes.slice());
    return this.heldBytes;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  end(): void {
    this.isEnded = true;
  }

  destroy(): void {
    this.isDestroyed = true;
  }

  /** Closes the socket, and stops the timers. */
  [Symbol.dispose](): void {
    this.connection.lost();
    Object.values(this.#deadlines).forEach((queue) => queue.clear());
  }
}
