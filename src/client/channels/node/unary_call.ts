// SPDX-License-Identifier: Apache-2.0

import { Code, ConnectError } from "@connectrpc/connect";
import type { AnswerSink, ClientRequest } from "../../../http2/client_stream.ts";
import type { ClientStream, StreamFailure } from "../../../http2/client_stream.ts";
import type { HeaderField } from "../../../http2/hpack/header_field.ts";
import type { ResponseHead } from "../../../http2/response_head.ts";
import type { ByteSpan } from "../../../http2/stream.ts";
import type { CallDeadlines, Expiring } from "./call_deadlines.ts";
import { GrpcAnswer } from "./grpc_answer.ts";
import { MessageReader } from "./message_reader.ts";
import type { Session } from "./session.ts";
import { errorOfConnection, errorOfStream } from "./transport_error.ts";

/** The largest answer to accept, in bytes: a batch of 128 sequences has about 20 kB. */
const MAX_ANSWER_BYTES = 1_048_576;

/** What a {@linkcode UnaryCall} is made of. */
export interface UnaryCallOptions<T> {
  /** The request. */
  readonly request: ClientRequest;
  /** Reads the message of the answer. */
  readonly parse: (bytes: Uint8Array) => T;
  /** Fires when nobody waits for the answer any more. */
  readonly signal: AbortSignal | undefined;
  /** The longest that it may take, in milliseconds. */
  readonly timeoutMs: number | undefined;
  /** Ends it then. */
  readonly deadlines: CallDeadlines;
}

/** A whole answer. */
export interface Answered<T> {
  /** Its fields. */
  readonly answer: GrpcAnswer;
  /** Its message. */
  readonly message: T;
}

/** A call with one request and one answer. It settles once, and leaves nothing behind. */
export class UnaryCall<T> implements AnswerSink, Expiring {
  readonly #options: UnaryCallOptions<T>;
  readonly #reader = new MessageReader(MAX_ANSWER_BYTES);
  readonly #resolve: (answered: Answered<T>) => void;
  readonly #reject: (error: ConnectError) => void;
  readonly #onAbort = () => this.#onSignal();
  #session: Session | undefined;
  #stream: ClientStream | undefined;
  #answer: GrpcAnswer | undefined;
  #isOver = false;
  /** Takes the call off the list of those that wait for a connection. */
  onSettled: (() => void) | undefined;

  /** Makes a call that settles a promise. */
  constructor(
    options: UnaryCallOptions<T>,
    resolve: (answered: Answered<T>) => void,
    reject: (error: ConnectError) => void,
  ) {
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
    const { signal, timeoutMs, deadlines } = options;
    if (timeoutMs !== undefined) deadlines.add(this, timeoutMs);
    signal?.addEventListener("abort", this.#onAbort);
    if (signal?.aborted) this.#onSignal();
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

  onHead(head: ResponseHead): void {
    this.#attempt(() => void (this.#answer = new GrpcAnswer(head)));
  }

  onData(bytes: Uint8Array, span: ByteSpan): void {
    if (!this.#isOver) this.#attempt(() => this.#reader.add(bytes, span));
  }

  onEnd(trailers: readonly HeaderField[]): void {
    const answer = this.#answer;
    if (this.#isOver || answer === undefined) return;
    this.#attempt(() => {
      const bytes = this.#reader.finish();
      const read = bytes === undefined ? undefined : this.#options.parse(bytes);
      const message = answer.finish(trailers, read);
      this.#settle();
      this.#resolve({ answer, message });
    });
  }

  onFailed(failure: StreamFailure): void {
    this.#fail(errorOfStream(failure, this.#session?.reason));
  }

  expire(): void {
    this.#fail(new ConnectError("the operation timed out", Code.DeadlineExceeded));
  }

  #onSignal(): void {
    this.#fail(ConnectError.from(this.#options.signal?.reason, Code.Canceled));
  }

  #attempt(read: () => void): void {
    try {
      read();
    } catch (error) {
      this.#fail(ConnectError.from(error));
    }
  }

  #fail(error: ConnectError): void {
    if (this.#isOver) return;
    this.#settle();
    this.#stream?.cancel();
    this.#reject(error);
  }

  #settle(): void {
    const { signal, deadlines } = this.#options;
    this.#isOver = true;
    deadlines.remove(this);
    signal?.removeEventListener("abort", this.#onAbort);
    this.onSettled?.();
  }
}
