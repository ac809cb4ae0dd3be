// SPDX-License-Identifier: Apache-2.0

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type {
  DescMessage,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Transport, UnaryResponse } from "@connectrpc/connect";
import type { ClientRequest } from "../../../http2/client_stream.ts";
import type { HeaderField } from "../../../http2/hpack/header_field.ts";
import { VERSION } from "../../../version.ts";
import type { Cancellable, DirectCall, DirectTransport } from "../direct_calls.ts";
import type { CallDeadlines } from "./call_deadlines.ts";
import type { GrpcConnection } from "./connection.ts";
import type { GrpcAnswer } from "./grpc_answer.ts";
import { envelope } from "./message_reader.ts";
import type { CallSink, UnaryCallOptions } from "./unary_call.ts";
import { UnaryCall } from "./unary_call.ts";

/** The largest number that `grpc-timeout` has room for. */
const MAX_TIMEOUT_VALUE = 99_999_999;

const NO_FIELDS: readonly HeaderField[] = [];

/** What a transport works with. */
export interface GrpcTransportOptions {
  /** The connection that carries the calls. */
  readonly connection: GrpcConnection;
  /** The origin of its URLs. */
  readonly origin: string;
  /** Ends the calls in time. */
  readonly deadlines: CallDeadlines;
}

/** A whole answer. */
interface Answered<T> {
  readonly answer: GrpcAnswer;
  readonly message: T;
}

/** A direct call and what is sent for it. */
interface DirectRequest extends Pick<DirectCall, "method" | "message" | "timeoutMs"> {
  readonly request: ClientRequest;
}

/** A transport for gRPC with one request and one answer, over HTTP/2 of our own. It sends no request twice. */
export class GrpcTransport implements Transport, DirectTransport {
  readonly #options: GrpcTransportOptions;
  readonly #origin: URL;
  /** The fields that all calls of a method have. */
  readonly #fields = new Map<DescMethodUnary, readonly HeaderField[]>();
  #last: DirectRequest | undefined;

  /** Makes a transport. */
  constructor(options: GrpcTransportOptions) {
    this.#options = options;
    this.#origin = new URL(options.origin);
  }

  /** Makes a call. */
  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: HeadersInit | undefined,
    input: MessageInitShape<I>,
  ): Promise<UnaryResponse<I, O>> {
    const limitMs = timeoutMs !== undefined && timeoutMs <= 0 ? undefined : timeoutMs;
    const fields = {
      common: this.#commonFields(method),
      usual: limitMs === undefined ? undefined : timeoutField(limitMs),
      others: header === undefined ? NO_FIELDS : fieldsOf(header),
    };
    const { answer, message } = await this.#call<MessageShape<O>>({
      request: { fields, body: envelope(serialize(method.input, input)) },
      parse: (bytes) => parse(method.output, bytes),
      signal,
      timeoutMs: limitMs,
      deadlines: this.#options.deadlines,
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

  /** The client has no streams. */
  stream(): Promise<never> {
    const text = "this transport has no streams; use one of @connectrpc/connect-node";
    return Promise.reject(new ConnectError(text, Code.Unimplemented));
  }

  get isReady(): boolean {
    return this.#options.connection.ready !== undefined;
  }

  begin(call: DirectCall): Cancellable {
    const { connection, deadlines } = this.#options;
    const { timeoutMs } = call;
    const unary = new UnaryCall<Uint8Array>({
      request: this.#directRequest(call),
      parse: asIs,
      sink: call,
      signal: undefined,
      timeoutMs,
      deadlines,
    });
    if (connection.ready === undefined) unary.refuse(new Error("the connection was closed"));
    else unary.start(connection.ready);
    return unary;
  }

  /** Direct calls mostly repeat themselves. */
  #directRequest({ method, message, timeoutMs }: DirectCall): ClientRequest {
    const last = this.#last;
    const isSame = last?.method === method && last.message === message;
    if (isSame && last.timeoutMs === timeoutMs) return last.request;
    const request = {
      fields: {
        common: this.#commonFields(method),
        usual: timeoutField(timeoutMs),
        others: NO_FIELDS,
      },
      body: envelope(message),
    };
    this.#last = { method, message, timeoutMs, request };
    return request;
  }

  #call<T>(options: Omit<UnaryCallOptions<T>, "sink">): Promise<Answered<T>> {
    const { connection } = this.#options;
    return new Promise((resolve, reject) => {
      const sink: CallSink<T> = {
        onAnswer: (message, answer) => resolve({ message, answer }),
        onFault: reject,
        onLate: () => reject(new ConnectError("the operation timed out", Code.DeadlineExceeded)),
      };
      const call = new UnaryCall({ ...options, sink });
      if (call.isOver) return;
      const session = connection.ready;
      if (session !== undefined) return call.start(session);
      connection.enter();
      call.onSettled = () => connection.leave();
      connection.session().then((dialled) => call.start(dialled), (error) => call.refuse(error));
    });
  }

  #commonFields(method: DescMethodUnary): readonly HeaderField[] {
    const known = this.#fields.get(method);
    if (known !== undefined) return known;
    const { host, protocol, pathname } = this.#origin;
    const fields = Object.entries({
      ":method": "POST",
      ":scheme": protocol.replace(":", ""),
      ":authority": host,
      ":path": `${pathname.replace(/\/$/, "")}/${method.parent.typeName}/${method.name}`,
      "content-type": "application/grpc+proto",
      "user-agent": `tsoracle-ts/${VERSION}`,
      "te": "trailers",
    }).map(([name, value]) => ({ name, value }));
    this.#fields.set(method, fields);
    return fields;
  }
}

function asIs(bytes: Uint8Array): Uint8Array {
  return bytes;
}

function timeoutField(timeoutMs: number): HeaderField {
  const isShort = timeoutMs <= MAX_TIMEOUT_VALUE;
  const value = isShort ? `${Math.ceil(timeoutMs)}m` : `${Math.ceil(timeoutMs / 1_000)}S`;
  return { name: "grpc-timeout", value };
}

function fieldsOf(header: HeadersInit): readonly HeaderField[] {
  return [...new Headers(header)].map(([name, value]) => ({ name, value }));
}

function serialize<I extends DescMessage>(schema: I, input: MessageInitShape<I>): Uint8Array {
  try {
    return toBinary(schema, create(schema, input));
  } catch (error) {
    throw new ConnectError(`serialize binary: ${textOf(error)}`, Code.Internal);
  }
}

function parse<O extends DescMessage>(schema: O, bytes: Uint8Array) {
  try {
    return fromBinary(schema, bytes);
  } catch (error) {
    throw new ConnectError(`parse binary: ${textOf(error)}`, Code.Internal);
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
