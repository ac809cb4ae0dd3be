// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { ClientConnection } from "../../../src/http2/client_connection.ts";
import type {
  AnswerSink,
  ClientRequest,
  ClientStream,
  StreamFailure,
} from "../../../src/http2/client_stream.ts";
import { DeadlineQueue } from "../../../src/http2/deadline_queue.ts";
import { encodeBlock } from "../../../src/http2/hpack/hpack_encoder.ts";
import type { HeaderField } from "../../../src/http2/hpack/header_field.ts";
import { HpackDecoder } from "../../../src/http2/hpack/hpack_decoder.ts";
import type { ResponseHead } from "../../../src/http2/response_head.ts";
import type { ByteSpan } from "../../../src/http2/stream.ts";
import type { Transport } from "../../../src/http2/transport.ts";
import { ManualClock, settle } from "../../../src/testing/manual_clock.ts";
import {
  data,
  FLAG,
  frame,
  framesOf,
  PREFACE,
  settingsAck,
  TYPE,
} from "../../net/_support/h2_frames.ts";
import type { Frame } from "../../net/_support/h2_frames.ts";

/** How long a server of a test may take, in milliseconds of its clock. */
export const PATIENCE = { handshakeMs: 1_000, stallMs: 3_000, farewellMs: 500 } as const;

const COMMON: readonly HeaderField[] = Object.entries({
  ":method": "POST",
  ":scheme": "http",
  ":authority": "oracle.example:50551",
  ":path": "/a.B/C",
  "content-type": "application/grpc+proto",
  "te": "trailers",
}).map(([name, value]) => ({ name, value }));

/** What has come in answer to a request. */
export class Received implements AnswerSink {
  /** What was called, in order. */
  readonly events: string[] = [];
  head: ResponseHead | undefined;
  body = "";
  trailers: readonly HeaderField[] | undefined;
  failure: StreamFailure | undefined;

  onHead(head: ResponseHead): void {
    this.events.push("head");
    this.head = head;
  }

  onData(bytes: Uint8Array, { start, end }: ByteSpan): void {
    this.body += Buffer.from(bytes.subarray(start, end)).toString("latin1");
  }

  onEnd(trailers: readonly HeaderField[]): void {
    this.events.push("end");
    this.trailers = trailers;
  }

  onFailed(failure: StreamFailure): void {
    this.events.push(failure.kind);
    this.failure = failure;
  }
}

/** A server without a socket: it gives bytes to a client's connection and looks at what that writes. */
export class MemoryServer implements Transport {
  readonly clock = new ManualClock();
  readonly faults: unknown[] = [];
  readonly client: ClientConnection;
  /** What was written, by the calls that wrote it. */
  readonly writes: Uint8Array[] = [];
  /** What the connection has told of itself. */
  readonly told: string[] = [];
  /** How much the socket says it holds. */
  heldBytes = 0;
  isEnded = false;
  isDestroyed = false;
  readonly #deadlines = {
    handshake: new DeadlineQueue(PATIENCE.handshakeMs, this.clock),
    stall: new DeadlineQueue(PATIENCE.stallMs, this.clock),
    farewell: new DeadlineQueue(PATIENCE.farewellMs, this.clock),
  };

  constructor(firstStreamId = 1) {
    this.client = new ClientConnection({
      transport: this,
      clock: this.clock,
      deadlines: this.#deadlines,
      onFault: (error) => this.faults.push(error),
      onGreeted: () => this.told.push("greeted"),
      onBusy: (isBusy) => this.told.push(isBusy ? "busy" : "idle"),
      onOver: () => this.told.push("over"),
      firstStreamId,
    });
  }

  /** A server that has said hello, with these settings, and acknowledged those of the client. */
  static greeted(settings: readonly (readonly [number, number])[] = []): MemoryServer {
    const server = new MemoryServer();
    server.send(settingsOf(settings), settingsAck());
    return server;
  }

  /** Everything that was written. */
  get received(): Buffer {
    return Buffer.concat(this.writes);
  }

  /** Every frame that was written. */
  get frames(): readonly Frame[] {
    return framesOf(this.received.subarray(PREFACE.length));
  }

  /** The frames of a type. */
  framesOf(type: number): readonly Frame[] {
    return this.frames.filter((each) => each.type === type);
  }

  /** The codes of RST_STREAM, with their streams. */
  get resets(): readonly (readonly [number, number])[] {
    return this.framesOf(TYPE.reset).map((each) => [each.stream, each.payload.readUInt32BE()]);
  }

  /** The codes of GOAWAY. */
  get goaways(): readonly number[] {
    return this.framesOf(TYPE.goaway).map(({ payload }) => payload.readUInt32BE(4));
  }

  /** The heads of the requests, decoded. */
  get heads(): readonly (readonly [number, Readonly<Record<string, string>>])[] {
    const decoder = new HpackDecoder({ maxListBytes: 16_384 });
    return this.framesOf(TYPE.headers).map(({ stream, payload }) => {
      const { fields } = decoder.decode(payload, 0, payload.length);
      return [stream, Object.fromEntries(fields.map(({ name, value }) => [name, value]))];
    });
  }

  /** The body of a request. */
  bodyOf(stream: number): string {
    const parts = this.framesOf(TYPE.data).filter((each) => each.stream === stream);
    return Buffer.concat(parts.map(({ payload }) => payload)).toString("latin1");
  }

  /** Has the client make a request. */
  request(body = "question", timeout?: string): Received & { readonly stream: ClientStream } {
    const received = new Received();
    const usual = timeout === undefined ? undefined : { name: "grpc-timeout", value: timeout };
    const fields = { common: COMMON, usual, others: [] };
    const stream = this.client.request({ fields, body: Buffer.from(body, "latin1") }, received);
    return Object.assign(received, { stream });
  }

  /** Has the client make a request that stays open, or whose answer is taken at the pace of the test. */
  ask(
    body: string,
    how: Pick<ClientRequest, "isOpen" | "isPaced">,
  ): Received & { readonly stream: ClientStream } {
    const received = new Received();
    const fields = { common: COMMON, usual: undefined, others: [] };
    const request = { fields, body: Buffer.from(body, "latin1"), ...how };
    return Object.assign(received, { stream: this.client.request(request, received) });
  }

  /** How much credit was given for a stream, 0 for the connection, in bytes. */
  creditOf(stream: number): number {
    return this.framesOf(TYPE.windowUpdate).filter((each) => each.stream === stream)
      .reduce((sum, { payload }) => sum + payload.readUInt32BE(), 0);
  }

  /** Gives bytes to the client, as one read. */
  send(...parts: readonly Uint8Array[]): void {
    this.client.connection.receive(Buffer.concat(parts));
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

  pause(): void {}

  resume(): void {}

  end(): void {
    this.isEnded = true;
  }

  destroy(): void {
    this.isDestroyed = true;
  }

  /** Closes the socket, and stops the timers. */
  [Symbol.dispose](): void {
    this.client.connection.lost();
    Object.values(this.#deadlines).forEach((queue) => queue.clear());
  }
}

/** 32 bits in network order. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** SETTINGS, as pairs of identifier and value. */
export function settingsOf(pairs: readonly (readonly [number, number])[]): Buffer {
  const parts = pairs.map(([id, value]) => Buffer.concat([Buffer.from([0, id]), uint32(value)]));
  return frame(TYPE.settings, 0, 0, Buffer.concat(parts));
}

/** WINDOW_UPDATE. */
export function windowUpdate(stream: number, bytes: number): Buffer {
  return frame(8, 0, stream, uint32(bytes));
}

/** RST_STREAM. */
export function reset(stream: number, code: number): Buffer {
  return frame(TYPE.reset, 0, stream, uint32(code));
}

/** GOAWAY. */
export function goaway(lastStream: number, code = 0): Buffer {
  return frame(TYPE.goaway, 0, 0, Buffer.concat([uint32(lastStream), uint32(code)]));
}

/** HEADERS with a whole block. */
export function headers(
  stream: number,
  fields: Readonly<Record<string, string>>,
  end = false,
): Buffer {
  const block = encodeBlock(Object.entries(fields).map(([name, value]) => ({ name, value })));
  return frame(TYPE.headers, FLAG.endHeaders | (end ? FLAG.endStream : 0), stream, block);
}

/** The head of an answer. */
export function head(stream: number, end = false): Buffer {
  return headers(stream, { ":status": "200", "content-type": "application/grpc+proto" }, end);
}

/** The trailers of an answer. */
export function trailers(stream: number): Buffer {
  return headers(stream, { "grpc-status": "0" }, true);
}

/** A whole answer with this body. */
export function answer(stream: number, body: string): Buffer {
  return Buffer.concat([
    head(stream),
    data(stream, Buffer.from(body, "latin1")),
    trailers(stream),
  ]);
}
