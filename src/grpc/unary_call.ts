// SPDX-License-Identifier: Apache-2.0

import { ConnectError } from "@connectrpc/connect";
import type { HeaderField } from "../http2/hpack/header_field.ts";
import type { ResponseHead } from "../http2/response_head.ts";
import type { ByteSpan } from "../http2/stream.ts";
import { GrpcAnswer } from "./grpc_answer.ts";
import { GrpcCall } from "./grpc_call.ts";
import type { GrpcCallOptions } from "./grpc_call.ts";
import { MessageReader } from "./message_reader.ts";

/** Takes what comes of a call. One of the three is called, once. */
export interface CallSink<T> {
  /** The answer is whole. */
  onAnswer(message: T, answer: GrpcAnswer): void;
  /** There is none. */
  onFault(error: ConnectError): void;
  /** There is none in time. */
  onLate(): void;
}

/** What a {@linkcode UnaryCall} is made of. */
export interface UnaryCallOptions<T> extends GrpcCallOptions {
  /** Reads the message of the answer. */
  readonly parse: (bytes: Uint8Array) => T;
  /** Takes what comes of it. */
  readonly sink: CallSink<T>;
}

/** A call with one request and one answer. */
export class UnaryCall<T> extends GrpcCall {
  readonly #options: UnaryCallOptions<T>;
  readonly #reader: MessageReader;
  #answer: GrpcAnswer | undefined;

  /** Makes a call. */
  constructor(options: UnaryCallOptions<T>) {
    super(options);
    this.#options = options;
    this.#reader = new MessageReader(options.maxAnswerBytes);
  }

  override onHead(head: ResponseHead): void {
    try {
      this.#answer = new GrpcAnswer(head);
    } catch (error) {
      this.fail(ConnectError.from(error));
    }
  }

  override onData(bytes: Uint8Array, span: ByteSpan): void {
    if (this.isOver) return;
    try {
      this.#reader.add(bytes, span);
    } catch (error) {
      this.fail(ConnectError.from(error));
    }
  }

  override onEnd(trailers: readonly HeaderField[]): void {
    const answer = this.#answer;
    if (this.isOver || answer === undefined) return;
    let message: T;
    try {
      const bytes = this.#reader.finish();
      const read = bytes === undefined ? undefined : this.#options.parse(bytes);
      message = answer.finish(trailers, read);
    } catch (error) {
      return this.fail(ConnectError.from(error));
    }
    this.settle();
    this.#options.sink.onAnswer(message, answer);
  }

  override onFault(error: ConnectError): void {
    this.#options.sink.onFault(error);
  }

  override onLate(): void {
    this.#options.sink.onLate();
  }
}
