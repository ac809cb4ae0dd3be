// SPDX-License-Identifier: Apache-2.0

import { ConnectError } from "@connectrpc/connect";
import { deferred } from "../core/deferred.ts";
import type { HeaderField } from "../http2/hpack/header_field.ts";
import type { ResponseHead } from "../http2/response_head.ts";
import type { ByteSpan } from "../http2/stream.ts";
import { GrpcAnswer } from "./grpc_answer.ts";
import { GrpcCall } from "./grpc_call.ts";
import type { GrpcCallOptions } from "./grpc_call.ts";
import { MessageQueue } from "./message_queue.ts";
import type { Session } from "./session.ts";
import { lateError } from "./transport_error.ts";

/**
 * A call with one request and many answers, which are taken one by one. The server gets credit for what was taken, so that
 * it is never ahead by more than the window of a stream.
 */
export class StreamCall extends GrpcCall {
  readonly #signal: AbortSignal | undefined;
  readonly #queue: MessageQueue;
  readonly #head = deferred<GrpcAnswer>();
  #answer: GrpcAnswer | undefined;
  #isRequestWhole = false;

  /** Makes a call that is not sent yet. */
  constructor(options: GrpcCallOptions) {
    super(options);
    this.#signal = options.signal;
    this.#queue = new MessageQueue({
      maxBytes: options.maxAnswerBytes,
      onUsed: (bytes) => this.stream?.consume(bytes),
    });
    this.#head.promise.catch(() => {});
  }

  /**
   * The head of the answer.
   *
   * @throws {ConnectError} if there is none, or it stands for a failure
   */
  get head(): Promise<GrpcAnswer> {
    return this.#head.promise;
  }

  /**
   * The next message; none after the last.
   *
   * @throws {ConnectError} how the call has failed, after the messages that had come until then; at once if its signal
   *   has fired or its time is over
   */
  take(): Promise<Uint8Array | undefined> {
    return this.#queue.take();
  }

  override start(session: Session): void {
    super.start(session);
    if (this.#isRequestWhole) this.stream?.finish();
  }

  /** Ends a request that has stayed open. */
  finishRequest(): void {
    this.#isRequestWhole = true;
    this.stream?.finish();
  }

  override onHead(head: ResponseHead): void {
    try {
      this.#answer = new GrpcAnswer(head);
      this.#answer.begin();
      this.#head.resolve(this.#answer);
    } catch (error) {
      this.fail(ConnectError.from(error));
    }
  }

  override onData(bytes: Uint8Array, span: ByteSpan): void {
    if (this.isOver) return;
    try {
      this.#queue.add(bytes, span);
    } catch (error) {
      this.fail(ConnectError.from(error));
    }
  }

  override onEnd(trailers: readonly HeaderField[]): void {
    if (this.isOver) return;
    try {
      this.#queue.checkEnd();
      this.#answer?.end(trailers);
    } catch (error) {
      return this.fail(ConnectError.from(error));
    }
    this.settle();
    this.#queue.end();
  }

  override onFault(error: ConnectError): void {
    this.#head.reject(error);
    if (this.#signal?.aborted) this.#queue.abort(error);
    else this.#queue.end(error);
  }

  override onLate(): void {
    const error = lateError();
    this.#head.reject(error);
    this.#queue.abort(error);
  }
}

/** The messages of a call, read one by one. Who stops to take them ends the call. */
export async function* messagesOf<T>(
  call: StreamCall,
  parse: (bytes: Uint8Array) => T,
): AsyncGenerator<T> {
  try {
    for (;;) {
      const bytes = await call.take();
      if (bytes === undefined) return;
      yield parse(bytes);
    }
  } finally {
    call.cancel();
  }
}
