// SPDX-License-Identifier: Apache-2.0

import { envelope } from "../../../grpc/message_reader.ts";
import { GrpcTransport } from "../../../grpc/grpc_transport.ts";
import type { GrpcTransportOptions } from "../../../grpc/grpc_transport.ts";
import { UnaryCall } from "../../../grpc/unary_call.ts";
import type { ClientRequest } from "../../../http2/client_stream.ts";
import type { Cancellable, DirectCall, DirectTransport } from "../direct_calls.ts";

/** A direct call and what is sent for it. */
interface DirectRequest extends Pick<DirectCall, "method" | "message" | "timeoutMs"> {
  readonly request: ClientRequest;
}

/** A transport for gRPC that makes direct calls too. */
export class DirectGrpcTransport extends GrpcTransport implements DirectTransport {
  readonly #options: GrpcTransportOptions;
  #last: DirectRequest | undefined;

  /** Makes a transport. */
  constructor(options: GrpcTransportOptions) {
    super(options);
    this.#options = options;
  }

  get isReady(): boolean {
    return this.#options.connection.ready !== undefined;
  }

  begin(call: DirectCall): Cancellable {
    const { connection, deadlines, maxAnswerBytes } = this.#options;
    const { timeoutMs } = call;
    const unary = new UnaryCall<Uint8Array>({
      request: this.#directRequest(call),
      parse: asIs,
      sink: call,
      signal: undefined,
      timeoutMs,
      deadlines,
      maxAnswerBytes,
    });
    // Asked once: what is ready now may not be so a moment later.
    const session = connection.ready;
    if (session === undefined) unary.refuse(new Error("the connection was closed"));
    else unary.start(session);
    return unary;
  }

  /** Direct calls mostly repeat themselves. */
  #directRequest({ method, message, timeoutMs }: DirectCall): ClientRequest {
    const last = this.#last;
    const isSame = last?.method === method && last.message === message;
    if (isSame && last.timeoutMs === timeoutMs) return last.request;
    const fields = this.#options.heads.fields(method, { timeoutMs });
    const request = { fields, body: envelope(message) };
    this.#last = { method, message, timeoutMs, request };
    return request;
  }
}

function asIs(bytes: Uint8Array): Uint8Array {
  return bytes;
}
