// SPDX-License-Identifier: Apache-2.0

import { Code, ConnectError } from "@connectrpc/connect";
import type { AnswerSink, ClientRequest } from "../../../http2/client_stream.ts";
import type { ClientStream, StreamFailure } from "../../../http2/client_stream.ts";
import type { HeaderField } from "../../../http2/hpack/header_field.ts";
import type { ResponseHead } from "../../../http2/response_head.ts";
import type { ByteSpan } from "../../../http2/stream.ts";
import type { Cancellable } from "../direct_calls.ts";
import type { CallDeadlines, Expiring } from "./call_deadlines.ts";
import { GrpcAnswer } from "./grpc_answer.ts";
import { MessageReader } from "./message_reader.ts";
import type { Session } from "./session.ts";
import { errorOfConnection, errorOfStream } from "./transport_error.ts";

/** The largest answer to accept, in bytes: a batch of 128 sequences has about 20 kB. */
const MAX_ANSWER_BYTES = 1_048_576;

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
export interface UnaryCallOptions<T> {
  /** The request. */
  readonly request: ClientRequest;
  /** Reads the message of the answer. */
  readonly parse: (bytes: Uint8Array) => T;
  /** Takes what comes of it. */
  readonly sink: CallSink<T>;
  /** Fires when nobody waits for the answer any more. */
  readonly signal: AbortSignal | undefined;
  /** The longest that it may take, in milliseconds. */
  readonly timeoutMs: number | undefined;
  /** Ends it then. */
  readonly deadlines: CallDeadlines;
}

/** A call with one request and one answer. It settles once, and leaves nothing behind. */
export class UnaryCall<T> implements AnswerSink, Cancellable, Expiring {
  readonly #options: UnaryCallOptions<T>;
  readonly #reader = new MessageReader(MAX_ANSWER_BYTES);
  readonly #onAbort: (() => void) | undefined;
  #session: Session | undefined;
  #stream: ClientStream | undefined;
  #answer: GrpcAnswer | undefined;
  #isOver = false;
  /** Takes the call off the list of those that wait for a connection. */
  onSettled: (() => void) | undefined;

  /** Makes a call. */
  constructor(options: UnaryCallOptions<T>) {
    this.#options = options;
    const { signal, timeoutMs, deadlines } = options;
    if (timeoutMs !== undefined) deadlines.add(this, timeoutMs);
    if (signal === undefined) return;
    this.#onAbort = () => this.#fail(ConnectError.from(signal.reason, Code.Canceled));
    signal.addEventListener("abort", this.#onAbort);
    if (signal.aborted) this.#onAbort();
  }

  /** Whether it has settled. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Sends the request. */
  start(session: Session): void {
    if (this.#isOver) return;
    this.#session = session;
    this.#stream = session.request(this.#options.request, this);
  }

  /** There is no connection. */
  refuse(reason: unknown): void {
    this.#fail(errorOfConnection(reason));
  }

  /** Nobody waits for the answer any more. The sink is not told. */
  cancel(): void {
    if (this.#isOver) return;
    this.#settle();
    this.#stream?.cancel();
  }

  onHead(head: ResponseHead): void {
    try {
      this.#answer = new GrpcAnswer(head);
    } catch (error) {
      this.#fail(ConnectError.from(error));
    }
  }

  onData(bytes: Uint8Array, span: ByteSpan): void {
    if (this.#isOver) return;
    try {
      this.#reader.add(bytes, span);
    } catch (error) {
      this.#fail(ConnectError.from(error));
    }
  }

  onEnd(trailers: readonly HeaderField[]): void {
    const answer = this.#answer;
    if (this.#isOver || answer === undefined) return;
    let message: T;
    try {
      const bytes = this.#reader.finish();
      const read = bytes === undefined ? undefined : this.#options.parse(bytes);
      message = answer.finish(trailers, read);
    } catch (error) {
      return this.#fail(ConnectError.from(error));
    }
    this.#settle();
    this.#options.sink.onAnswer(message, answer);
  }

  onFailed(failure: StreamFailure): void {
    this.#fail(errorOfStream(failure, this.#session?.reason));
  }

  expire(): void {
    if (this.#isOver) return;
    this.cancel();
    this.#options.sink.onLate();
  }

  #fail(error: ConnectError): void {
    if (this.#isOver) return;
    this.cancel();
    this.#options.sink.onFault(error);
  }

  #settle(): void {
    const { signal, deadlines } = this.#options;
    this.#isOver = true;
    deadlines.remove(this);
    if (this.#onAbort !== undefined) signal?.removeEventListener("abort", this.#onAbort);
    this.onSettled?.();
  }
}
