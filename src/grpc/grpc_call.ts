// SPDX-License-Identifier: Apache-2.0

import { Code, ConnectError } from "@connectrpc/connect";
import type { AnswerSink, ClientRequest } from "../http2/client_stream.ts";
import type { ClientStream, StreamFailure } from "../http2/client_stream.ts";
import type { HeaderField } from "../http2/hpack/header_field.ts";
import type { ResponseHead } from "../http2/response_head.ts";
import type { ByteSpan } from "../http2/stream.ts";
import type { CallDeadlines, Expiring } from "./call_deadlines.ts";
import type { Session } from "./session.ts";
import { errorOfConnection, errorOfStream } from "./transport_error.ts";

/** What all calls are made of. */
export interface GrpcCallOptions {
  /** The request. */
  readonly request: ClientRequest;
  /** Fires when nobody waits for the answer any more. It has not fired yet. */
  readonly signal: AbortSignal | undefined;
  /** The longest that it may take, in milliseconds. */
  readonly timeoutMs: number | undefined;
  /** Ends it then. */
  readonly deadlines: CallDeadlines;
  /** The largest message to accept, in bytes. */
  readonly maxAnswerBytes: number;
}

/**
 * One request, which is sent once at most. The call settles once, and leaves nothing behind. What is "for the kinds of
 * call" is called by subclasses alone.
 */
export abstract class GrpcCall implements AnswerSink, Expiring {
  readonly #options: GrpcCallOptions;
  readonly #onAbort: (() => void) | undefined;
  #session: Session | undefined;
  #stream: ClientStream | undefined;
  #isOver = false;
  /** Takes the call off the list of those that wait for a connection. */
  onSettled: (() => void) | undefined;

  /** Makes a call that is not sent yet. */
  constructor(options: GrpcCallOptions) {
    this.#options = options;
    const { signal, timeoutMs, deadlines } = options;
    if (timeoutMs !== undefined) deadlines.add(this, timeoutMs);
    if (signal === undefined) return;
    this.#onAbort = () => this.fail(ConnectError.from(signal.reason, Code.Canceled));
    signal.addEventListener("abort", this.#onAbort);
  }

  /** Whether it has settled. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** What carries it, once it was sent. For the kinds of call. */
  get stream(): ClientStream | undefined {
    return this.#stream;
  }

  /** Sends the request. */
  start(session: Session): void {
    if (this.#isOver) return;
    this.#session = session;
    this.#stream = session.request(this.#options.request, this);
  }

  /** There is no connection. */
  refuse(reason: unknown): void {
    this.fail(errorOfConnection(reason));
  }

  /** Nobody waits for the answer any more. Nothing is told of it. */
  cancel(): void {
    if (this.#isOver) return;
    this.settle();
    this.#stream?.cancel();
  }

  abstract onHead(head: ResponseHead): void;

  abstract onData(bytes: Uint8Array, span: ByteSpan): void;

  abstract onEnd(trailers: readonly HeaderField[]): void;

  onFailed(failure: StreamFailure): void {
    this.fail(errorOfStream(failure, this.#session?.reason));
  }

  expire(): void {
    if (this.#isOver) return;
    this.cancel();
    this.onLate();
  }

  /** Ends it with an error. For the kinds of call. */
  fail(error: ConnectError): void {
    if (this.#isOver) return;
    this.cancel();
    this.onFault(error);
  }

  /** It is over, and nothing of it stays. For the kinds of call. */
  settle(): void {
    const { signal, deadlines } = this.#options;
    this.#isOver = true;
    deadlines.remove(this);
    if (this.#onAbort !== undefined) signal?.removeEventListener("abort", this.#onAbort);
    this.onSettled?.();
  }

  /** There is no answer, or no whole one: to be told on. */
  abstract onFault(error: ConnectError): void;

  /** The time is over: to be told on. */
  abstract onLate(): void;
}
