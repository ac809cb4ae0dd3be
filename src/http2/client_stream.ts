// SPDX-License-Identifier: Apache-2.0

import { ERROR_CODE } from "./error_code.ts";
import type { HeaderField } from "./hpack/header_field.ts";
import type { Output } from "./output.ts";
import { ReceiveWindow } from "./receive_window.ts";
import type { RequestFields } from "./request_blocks.ts";
import type { ResponseHead, ResponseReading } from "./response_head.ts";
import type { Sender } from "./send_queue.ts";
import { DEFAULT_WINDOW_BYTES } from "./settings.ts";
import type { ByteSpan } from "./stream.ts";

/** A request with its whole body. */
export interface ClientRequest {
  /** The head. */
  readonly fields: RequestFields;
  /** The body, which nobody changes afterwards. */
  readonly body: Uint8Array;
  /** Whether it stays open after its body, until `finish`. Absent: it ends with the body. */
  readonly isOpen?: boolean;
  /**
   * Whether the sink takes the answer at its own pace: it calls `consume` for what has come of the body. Absent: the
   * sink is done with a part when `onData` returns.
   */
  readonly isPaced?: boolean;
}

/** Why a request has no whole answer. */
export interface StreamFailure {
  /**
   * How it ended:
   * - `unprocessed`: the server has certainly not looked at it, and it may be sent again;
   * - `reset`: the server has reset the stream;
   * - `broken`: the answer broke a rule, or the request was not taken in time;
   * - `lost`: the connection has ended.
   */
  readonly kind: "unprocessed" | "reset" | "broken" | "lost";
  /** The code of RFC 9113, 7. */
  readonly code: number;
  /** What is wrong; may be empty. */
  readonly text: string;
}

/** Takes an answer. None of the methods may throw; after one of the last two nothing else is called. */
export interface AnswerSink {
  /** The head of the answer; not of one that is only informational. */
  onHead(head: ResponseHead): void;

  /** A part of the body: `bytes` from `start` to `end`, which are lent for the time of the call. */
  onData(bytes: Uint8Array, span: ByteSpan): void;

  /** The answer is whole. */
  onEnd(trailers: readonly HeaderField[]): void;

  /** There will be no whole answer. */
  onFailed(failure: StreamFailure): void;
}

/** What a stream needs of its connection. */
export interface ClientStreamHost {
  /** Where frames are written. */
  readonly output: Output;
  /** Largest payload that the server takes, in bytes. */
  readonly maxPayloadBytes: number;
  /** Sends RST_STREAM. */
  sendReset(streamId: number, code: number): void;
  /** The stream has something to send. */
  offer(stream: ClientStream): void;
  /** The stream is over, and goes out of the books. */
  forget(stream: ClientStream): void;
}

/** A server that has begun to answer has looked at the request, whatever it says then. */
const REFUSED_LATE: StreamFailure = {
  kind: "broken",
  code: ERROR_CODE.refusedStream,
  text: "refused after its answer had begun",
};

/** A request and what has come of its answer. */
export class ClientStream implements Sender {
  /** The number of the stream, 0 before it is open. */
  id = 0;
  /** The request. */
  readonly request: ClientRequest;
  /** What the server takes on this stream, in bytes; below 0 if it has lowered its settings. */
  sendWindowBytes = DEFAULT_WINDOW_BYTES;
  readonly #sink: AnswerSink;
  readonly #host: ClientStreamHost;
  #sentBytes = 0;
  #isOpen: boolean;
  /** Whether nothing is left to send but the end. */
  #owesEnd = false;
  #head: ResponseHead | undefined;
  #receiveWindow: ReceiveWindow | undefined;
  #receivedBytes = 0;
  #isOver = false;

  /** Makes a stream that is not open yet. */
  constructor(request: ClientRequest, sink: AnswerSink, host: ClientStreamHost) {
    this.request = request;
    this.#sink = sink;
    this.#host = host;
    this.#isOpen = request.isOpen === true;
  }

  /** Whether some of the body, or its end, was not sent yet. */
  get isWaiting(): boolean {
    return this.nextBytes > 0 || this.#owesEnd;
  }

  /** Whether the request has nothing but a head. */
  get endsWithHead(): boolean {
    return !this.#isOpen && this.request.body.length === 0;
  }

  /** How much of the body was not sent yet, in bytes. */
  get nextBytes(): number {
    return this.#isOver ? 0 : this.request.body.length - this.#sentBytes;
  }

  /** Ends a request that has stayed open. The answer goes on. */
  finish(): void {
    if (!this.#isOpen || this.#isOver) return;
    this.#isOpen = false;
    if (this.id === 0 || this.isWaiting) return;
    this.#owesEnd = true;
    this.#host.offer(this);
  }

  /** The sink of an answer that is paced is done with so many bytes of the body. */
  consume(bytes: number): void {
    if (this.#isOver) return;
    const credit = this.#receiveWindow?.release(bytes) ?? 0;
    if (credit === 0) return;
    this.#host.output.frames.windowUpdate(this.id, credit);
    this.#host.output.schedule();
  }

  /** Nobody wants the answer any more. The sink is not told. */
  cancel(): void {
    if (this.#isOver) return;
    if (this.id !== 0) this.#host.sendReset(this.id, ERROR_CODE.cancel);
    this.#close();
  }

  /** The server takes the request too slowly. For the queue. */
  reset(code: number): void {
    this.break(code, "a request that was not taken in time");
  }

  /** Writes one frame of the body. For the queue. */
  sendSome(maxBytes: number): number {
    const { body } = this.request;
    const start = this.#sentBytes;
    const end = Math.min(body.length, start + maxBytes, start + this.#host.maxPayloadBytes);
    const endStream = end === body.length && !this.#isOpen;
    this.#host.output.frames.data(this.id, body, { start, end, endStream });
    if (endStream) this.#owesEnd = false;
    this.#sentBytes = end;
    this.sendWindowBytes -= end - start;
    return end - start;
  }

  /** Nothing to do: the body was whole from the beginning. */
  onWritable(): void {}

  /** Takes a header block. For the connection. */
  receiveBlock(reading: ResponseReading, endStream: boolean): void {
    const { protocolError, enhanceYourCalm } = ERROR_CODE;
    if (reading.kind === "too large") {
      return this.break(enhanceYourCalm, "fields that are too large");
    }
    if (reading.kind === "malformed") return this.break(protocolError, reading.text);
    if (reading.kind === "trailers") return this.#receiveTrailers(reading.fields, endStream);
    if (this.#head !== undefined) return this.break(protocolError, "a second head of an answer");
    const isInformational = reading.head.status < 200;
    if (isInformational && endStream) return this.break(protocolError, "an answer without a head");
    if (isInformational) return;
    this.#head = reading.head;
    this.#sink.onHead(reading.head);
    if (endStream) this.#end([]);
  }

  /**
   * Takes a DATA frame of `frameBytes` bytes with padding. For the connection.
   *
   * @returns the credit that the server is owed for the stream, in bytes; 0 for none yet
   */
  receiveData(bytes: Uint8Array, span: ByteSpan, frameBytes: number): number {
    const dataBytes = span.end - span.start;
    this.#receiveWindow ??= new ReceiveWindow(DEFAULT_WINDOW_BYTES);
    if (!this.#receiveWindow.take(frameBytes)) {
      this.break(ERROR_CODE.flowControlError, "more than the window of the stream");
    } else if (this.#head === undefined) {
      this.break(ERROR_CODE.protocolError, "a body without a head");
    } else if (dataBytes > 0) {
      this.#receivedBytes += dataBytes;
      this.#sink.onData(bytes, span);
    }
    if (this.#isOver) return 0;
    const doneBytes = this.request.isPaced === true ? frameBytes - dataBytes : frameBytes;
    return this.#receiveWindow.release(doneBytes);
  }

  /** The answer ends with its body. For the connection. */
  receiveEnd(): void {
    this.#end([]);
  }

  /** There is something wrong with the answer: ends the stream with RST_STREAM. For the connection. */
  break(code: number, text: string): void {
    if (this.#isOver) return;
    this.#host.sendReset(this.id, code);
    this.fail({ kind: "broken", code, text });
  }

  /** The stream has ended without a whole answer. For the connection. */
  fail(failure: StreamFailure): void {
    if (this.#isOver) return;
    const isUntrue = failure.kind === "unprocessed" && this.#head !== undefined;
    this.#close();
    this.#sink.onFailed(isUntrue ? REFUSED_LATE : failure);
  }

  #receiveTrailers(fields: readonly HeaderField[], endStream: boolean): void {
    if (this.#head === undefined) {
      return this.break(ERROR_CODE.protocolError, "an answer without :status");
    }
    if (!endStream) return this.break(ERROR_CODE.protocolError, "trailers that are not the end");
    this.#end(fields);
  }

  #end(trailers: readonly HeaderField[]): void {
    if (this.#isOver) return;
    const expectedBytes = this.#head?.contentLength ?? this.#receivedBytes;
    if (this.#receivedBytes !== expectedBytes) {
      return this.break(ERROR_CODE.protocolError, "a body of another length than was announced");
    }
    // A server may answer before it has read the whole request, which then goes no further (RFC 9113, 8.1).
    if (this.isWaiting || this.#isOpen) this.#host.sendReset(this.id, ERROR_CODE.cancel);
    this.#close();
    this.#sink.onEnd(trailers);
  }

  #close(): void {
    this.#isOver = true;
    this.#owesEnd = false;
    this.#host.forget(this);
  }
}
