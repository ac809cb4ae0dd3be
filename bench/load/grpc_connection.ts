// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { connect } from "node:net";
import type { Block } from "./block.ts";
import { blockFromBinary, GET_TS_PATH, readFrames, requestFrame } from "./block.ts";
import type { Connection, ConnectionOptions } from "./connection.ts";
import type { Frame } from "./http2/frame.ts";
import { encodeFrame, FLAG, FRAME, FRAME_HEADER_BYTES, FrameReader } from "./http2/frame.ts";
import type { HeaderFields } from "./http2/hpack.ts";
import { decodeFields, encodeFields } from "./http2/hpack.ts";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");
/** HEADER_TABLE_SIZE = 0 and ENABLE_PUSH = 0, each as a 16-bit name and a 32-bit value. */
const SETTINGS = Buffer.from([0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0]);
/** Opens the window of the connection so far that it never has to be opened again. */
const WINDOW_INCREMENT = Buffer.from([0x7f, 0, 0, 0]);
/** Header blocks that were decoded before; the date in them makes a new one each second. */
const MEMO_SIZE = 64;

interface Call {
  readonly answered: PromiseWithResolvers<Block>;
  readonly chunks: Buffer[];
  fields: HeaderFields;
}

/**
 * gRPC over one cleartext HTTP/2 connection, with many calls at a time. It speaks HTTP/2 itself, because the
 * client of `node:http2` costs as much as the server that is to be measured.
 */
export class GrpcConnection implements Connection {
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  readonly #request: Buffer;
  readonly #dataAt: number;
  readonly #calls = new Map<number, Call>();
  readonly #memo = new Map<string, HeaderFields>();
  #unsent: Buffer[] = [];
  #nextStreamId = 1;
  #fault: Error | undefined;

  /** Connects. */
  constructor(options: ConnectionOptions) {
    const { port, count } = options;
    const headers = encodeFrame(
      { type: FRAME.headers, flags: FLAG.endHeaders },
      requestFields(port),
    );
    this.#dataAt = headers.length;
    const data = encodeFrame({ type: FRAME.data, flags: FLAG.endStream }, requestFrame(count));
    this.#request = Buffer.concat([headers, data]);
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#socket.on("data", (chunk: Buffer) => this.#take(chunk));
    this.#socket.on("error", (error: Error) => this.#fail(error));
    this.#socket.on("close", () => this.#fail(new Error("the server ended the connection")));
    this.#send(PREFACE);
    this.#send(encodeFrame({ type: FRAME.settings }, SETTINGS));
    this.#send(encodeFrame({ type: FRAME.windowUpdate }, WINDOW_INCREMENT));
  }

  /** One call on a stream of its own. */
  call(): Promise<Block> {
    if (this.#fault !== undefined) return Promise.reject(this.#fault);
    const id = this.#nextStreamId;
    this.#nextStreamId += 2;
    const bytes = Buffer.from(this.#request);
    bytes.writeUInt32BE(id, FRAME_HEADER_BYTES - 4);
    bytes.writeUInt32BE(id, this.#dataAt + FRAME_HEADER_BYTES - 4);
    const answered = Promise.withResolvers<Block>();
    this.#calls.set(id, { answered, chunks: [], fields: {} });
    this.#send(bytes);
    return answered.promise;
  }

  /** Drops the connection. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** What is sent in one turn goes out in one write, as a busy client does it. */
  #send(bytes: Buffer): void {
    if (this.#unsent.push(bytes) > 1) return;
    queueMicrotask(() => {
      this.#socket.write(Buffer.concat(this.#unsent));
      this.#unsent = [];
    });
  }

  #take(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.take(chunk)) this.#onFrame(frame);
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #onFrame(frame: Frame): void {
    switch (frame.type) {
      case FRAME.headers:
      case FRAME.data:
      case FRAME.rstStream:
        return this.#onStreamFrame(frame);
      case FRAME.continuation:
        throw new Error("the answer has more headers than fit one frame");
      case FRAME.goaway:
        throw new Error(`the server said goodbye with error ${frame.payload.readUInt32BE(4)}`);
      case FRAME.settings:
      case FRAME.ping:
        if (frame.flags & FLAG.ack) return;
        return this.#send(
          encodeFrame(
            { type: frame.type, flags: FLAG.ack },
            frame.type === FRAME.ping ? frame.payload : Buffer.alloc(0),
          ),
        );
    }
  }

  #onStreamFrame(frame: Frame): void {
    const call = this.#calls.get(frame.streamId);
    if (call === undefined) return;
    if (frame.type === FRAME.rstStream) {
      this.#calls.delete(frame.streamId);
      const error = frame.payload.readUInt32BE(0);
      return call.answered.reject(new Error(`the server reset the call with error ${error}`));
    }
    if (frame.type === FRAME.data) call.chunks.push(frame.payload);
    else call.fields = { ...call.fields, ...this.#decode(frame.payload) };
    if (!(frame.flags & FLAG.endStream)) return;
    this.#calls.delete(frame.streamId);
    settle(call);
  }

  #decode(block: Buffer): HeaderFields {
    const key = block.toString("latin1");
    const known = this.#memo.get(key);
    if (known !== undefined) return known;
    if (this.#memo.size >= MEMO_SIZE) this.#memo.clear();
    const fields = decodeFields(block);
    this.#memo.set(key, fields);
    return fields;
  }

  #fail(error: Error): void {
    this.#fault ??= error;
    for (const { answered } of this.#calls.values()) answered.reject(this.#fault);
    this.#calls.clear();
    this.#socket.destroy();
  }
}

function requestFields(port: number): Buffer {
  return encodeFields({
    ":method": "POST",
    ":scheme": "http",
    ":path": GET_TS_PATH,
    ":authority": `127.0.0.1:${port}`,
    "content-type": "application/grpc+proto",
    "te": "trailers",
  });
}

function settle(call: Call): void {
  const { fields, chunks, answered } = call;
  const { ":status": http, "grpc-status": status, "grpc-message": message } = fields;
  if (http !== "200" || status !== "0") {
    return answered.reject(new Error(`HTTP ${http}, grpc-status ${status}: ${message}`));
  }
  try {
    const [only = Buffer.alloc(0)] = chunks;
    const body = chunks.length === 1 ? only : Buffer.concat(chunks);
    answered.resolve(blockFromBinary(readFrames(body).message));
  } catch (error) {
    answered.reject(error);
  }
}
