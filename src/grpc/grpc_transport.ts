// SPDX-License-Identifier: Apache-2.0

import type {
  DescMessage,
  DescMethodStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { StreamResponse, Transport, UnaryResponse } from "@connectrpc/connect";
import { abortable } from "../core/abortable.ts";
import type { CallDeadlines } from "./call_deadlines.ts";
import type { CallHeads } from "./call_heads.ts";
import { parse, serialize } from "./codec.ts";
import type { GrpcConnection } from "./connection.ts";
import type { GrpcAnswer } from "./grpc_answer.ts";
import type { GrpcCall } from "./grpc_call.ts";
import { envelope } from "./message_reader.ts";
import { messagesOf, StreamCall } from "./stream_call.ts";
import { lateError } from "./transport_error.ts";
import type { CallSink, UnaryCallOptions } from "./unary_call.ts";
import { UnaryCall } from "./unary_call.ts";

const NOTHING = new Uint8Array(0);

/** What a transport works with. */
export interface GrpcTransportOptions {
  /** The connection that carries the calls. */
  readonly connection: GrpcConnection;
  /** The heads of the calls. */
  readonly heads: CallHeads;
  /** Ends the calls in time. */
  readonly deadlines: CallDeadlines;
  /** The largest message of an answer to accept, in bytes. */
  readonly maxAnswerBytes: number;
}

/** A whole answer. */
interface Answered<T> {
  readonly answer: GrpcAnswer;
  readonly message: T;
}

/**
 * A transport for gRPC over HTTP/2 of our own, without compression. It sends no request twice. Calls may have many
 * answers, but have one message to send at most.
 */
export class GrpcTransport implements Transport {
  readonly #options: GrpcTransportOptions;

  /** Makes a transport. */
  constructor(options: GrpcTransportOptions) {
    this.#options = options;
  }

  /** Makes a call with one answer. */
  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: HeadersInit | undefined,
    input: MessageInitShape<I>,
  ): Promise<UnaryResponse<I, O>> {
    const { heads, deadlines, maxAnswerBytes } = this.#options;
    const limitMs = limitOf(timeoutMs);
    const fields = heads.fields(method, { timeoutMs: limitMs, header });
    const { answer, message } = await this.#ask<MessageShape<O>>({
      request: { fields, body: envelope(serialize(method.input, input)) },
      parse: (bytes) => parse(method.output, bytes),
      signal,
      timeoutMs: limitMs,
      deadlines,
      maxAnswerBytes,
    });
    return {
      stream: false,
      service: method.parent,
      method,
      message,
      get header() {
        return answer.header;
      },
      get trailer() {
        return answer.trailer;
      },
    };
  }

  /**
   * Makes a call with one message to send, and as many answers as the server has. Its request stays open for as long as
   * the input does, which the end of the call does not end; a second message in it fails the call. The time begins when
   * the first is there.
   */
  async stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodStreaming<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: HeadersInit | undefined,
    input: AsyncIterable<MessageInitShape<I>>,
  ): Promise<StreamResponse<I, O>> {
    const { heads, deadlines, maxAnswerBytes } = this.#options;
    const limitMs = limitOf(timeoutMs);
    const fields = heads.fields(method, { timeoutMs: limitMs, header });
    const messages = input[Symbol.asyncIterator]();
    const first = await firstOf(messages, signal);
    const body = first === undefined ? NOTHING : envelope(serialize(method.input, first));
    const isOpen = first !== undefined && method.methodKind !== "server_streaming";
    const call = new StreamCall({
      request: { fields, body, isOpen, isPaced: true },
      signal,
      timeoutMs: limitMs,
      deadlines,
      maxAnswerBytes,
    });
    this.#send(call);
    if (isOpen) finishAfter(messages, call);
    const answer = await call.head;
    return {
      stream: true,
      service: method.parent,
      method,
      message: messagesOf(call, (bytes) => parse(method.output, bytes)),
      get header() {
        return answer.header;
      },
      get trailer() {
        return answer.trailer;
      },
    };
  }

  #ask<T>(options: Omit<UnaryCallOptions<T>, "sink">): Promise<Answered<T>> {
    return new Promise((resolve, reject) => {
      checkWanted(options.signal);
      const sink: CallSink<T> = {
        onAnswer: (message, answer) => resolve({ message, answer }),
        onFault: reject,
        onLate: () => reject(lateError()),
      };
      this.#send(new UnaryCall({ ...options, sink }));
    });
  }

  /** Sends a call on the connection, or once there is one. */
  #send(call: GrpcCall): void {
    const { connection } = this.#options;
    const session = connection.ready;
    if (session !== undefined) return call.start(session);
    let isWaiting = true;
    const leave = () => {
      if (isWaiting) connection.leave();
      isWaiting = false;
    };
    connection.enter();
    call.onSettled = leave;
    connection.session().then((dialled) => {
      call.start(dialled);
      leave();
    }, (error) => call.refuse(error));
  }
}

/** A limit of 0 or less is none. */
function limitOf(timeoutMs: number | undefined): number | undefined {
  return timeoutMs !== undefined && timeoutMs <= 0 ? undefined : timeoutMs;
}

function checkWanted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw ConnectError.from(signal.reason, Code.Canceled);
}

async function firstOf<T>(
  messages: AsyncIterator<T>,
  signal: AbortSignal | undefined,
): Promise<T | undefined> {
  checkWanted(signal);
  const next = messages.next();
  try {
    const { done, value } = signal === undefined ? await next : await abortable(next, signal);
    checkWanted(signal);
    return done ? undefined : value;
  } catch (error) {
    throw ConnectError.from(error, signal?.aborted ? Code.Canceled : Code.Internal);
  }
}

/** Ends the request with its input. */
function finishAfter(messages: AsyncIterator<unknown>, call: StreamCall): void {
  messages.next().then(({ done }) => {
    if (done) return call.finishRequest();
    const text =
      "this transport sends one message for each call; use one of @connectrpc/connect-node";
    call.fail(new ConnectError(text, Code.Unimplemented));
  }, (error: unknown) => call.fail(ConnectError.from(error)));
}
